/** What forms share: submitting by script, one call at a time, and why it failed. */
import { type ComponentProps, type ReactNode, useState } from "react";
import { reason } from "@/api/problem";

/** Runs the call of a form or a button: `busy` while it runs; `error` is why the last one failed. */
export function useAction() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  /** Returns whether it succeeded. */
  async function run(work: () => Promise<unknown>): Promise<boolean> {
    setBusy(true);
    setError(null);
    try {
      await work();
      return true;
    } catch (caught) {
      setError(caught);
      return false;
    } finally {
      setBusy(false);
    }
  }
  return { busy, error, setError, run };
}

type FormProps = Omit<ComponentProps<"form">, "onSubmit"> & { onSubmit: () => unknown };

export function Form({ onSubmit, ...form }: FormProps) {
  return (
    <form
      {...form}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    />
  );
}

/** Why a form was refused, if it was. */
export function FormError({ error, children }: { error: unknown; children?: ReactNode }) {
  if (!error) return null;
  return (
    <p className="form-error" role="alert">
      {reason(error)}
      {children && <> {children}</>}
    </p>
  );
}
