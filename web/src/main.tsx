import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "@/api/queries";
import { App } from "@/app";
import { activate, preferred } from "@/i18n/locale";
import { keepFocus } from "@/ui/focus";
import "@/styles/tokens.css";
import "@/styles/base.css";
import "@/styles/controls.css";
import "@/styles/shell.css";
import "@/styles/files.css";
import "@/styles/panels.css";
import "@/styles/viewer.css";
import "@/styles/photos.css";
import "@/styles/print.css";

const root = document.getElementById("root");

function start(): void {
  if (!root) return;
  keepFocus(root);
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}

// Texts that do not come leave the page in English.
activate(preferred()).then(start, start);
