import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";
import "@/i18n/locale";

// A bound for a machine that stands still at times, and no expectation.
configure({ asyncUtilTimeout: 30_000 });
afterEach(cleanup);
