/** The same for development and tests. */
import { jsxDEV as create } from "react/jsx-dev-runtime";
import { visibleProps } from "./visible";

export { Fragment } from "react/jsx-dev-runtime";
export type { JSX } from "react/jsx-dev-runtime";

export const jsxDEV: typeof create = (type, props, ...rest) => create(type, visibleProps(props), ...rest);
