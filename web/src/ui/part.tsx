/** Parts of the page that load when they are first needed. */
import { i18n } from "@lingui/core";
import { type ComponentType, createElement, lazy } from "react";

/** A part's script did not come. */
export class NotLoaded extends Error {
  constructor(
    /** Has it asked for again where the part is shown next. */
    readonly forget: () => void,
  ) {
    super(i18n.t("This part couldn’t be loaded. DocStore may have been updated: reload the page."));
  }
}

/** React's `lazy`, which takes a script that did not come once for one that never comes. */
export function part<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  const fresh = () =>
    lazy(() =>
      load().catch((): never => {
        throw new NotLoaded(() => (loaded = fresh()));
      }),
    ) as ComponentType<P>;
  let loaded = fresh();
  return (props) => createElement(loaded, props);
}
