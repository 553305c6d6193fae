/** Error boundary of a part of the page. */
import { i18n } from "@lingui/core";
import { Component, type ReactNode } from "react";
import { reason } from "@/api/problem";
import { NotLoaded } from "@/ui/part";
import { Failed } from "@/ui/states";
import { toast } from "@/ui/toasts";

interface Props {
  children: ReactNode;
  /** Content key: a change resets the error. */
  at?: string;
  /** Closes what broke, and a message shows why; without it, the message is shown in its place. */
  onFailed?: () => void;
}

const reload = () => ({ label: i18n.t("Reload the page"), run: () => location.reload() });

export class ErrorBoundary extends Component<Props, { error: unknown }> {
  state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  componentDidCatch(error: unknown): void {
    if (error instanceof NotLoaded) error.forget();
    if (!this.props.onFailed) return;
    toast(reason(error), { tone: "error", action: error instanceof NotLoaded ? reload() : undefined });
    this.props.onFailed();
  }

  componentDidUpdate({ at }: Props): void {
    if (this.state.error && at !== this.props.at) this.again();
  }

  private again = () => this.setState({ error: null });

  render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    if (this.props.onFailed) return null;
    return (
      <Failed error={error} onRetry={this.again}>
        {error instanceof NotLoaded && (
          <button className="button" onClick={reload().run}>
            {reload().label}
          </button>
        )}
      </Failed>
    );
  }
}
