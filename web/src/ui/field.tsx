/** A labelled input with a hint or an error. */
import { type InputHTMLAttributes, useId } from "react";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string;
  error?: string;
}

export function Field({ label, hint, error, className, ...input }: Props) {
  const id = useId();
  const about = error ?? hint;
  return (
    <div className={className ? `field ${className}` : "field"}>
      <label htmlFor={id}>{label}</label>
      <input id={id} aria-invalid={Boolean(error)} aria-describedby={about ? `${id}-about` : undefined} {...input} />
      {about && (
        <p id={`${id}-about`} className={error ? "field-error" : "field-hint"} role={error ? "alert" : undefined}>
          {about}
        </p>
      )}
    </div>
  );
}

export function Switch({ label, ...input }: InputHTMLAttributes<HTMLInputElement> & { label: string }) {
  return (
    <label className="switch">
      <input type="checkbox" role="switch" {...input} />
      <span className="switch-track" aria-hidden="true" />
      <span>{label}</span>
    </label>
  );
}
