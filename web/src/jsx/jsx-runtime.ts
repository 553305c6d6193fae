/** What JSX is compiled to (`jsxImportSource`): React's elements, with all text visible. No component has to think of it. */
import { jsx as create, jsxs as createFixed } from "react/jsx-runtime";
import { visibleProps } from "./visible";

export { Fragment } from "react/jsx-runtime";
export type { JSX } from "react/jsx-runtime";

export const jsx: typeof create = (type, props, key) => create(type, visibleProps(props), key);
export const jsxs: typeof createFixed = (type, props, key) => createFixed(type, visibleProps(props), key);
