/** Dialogs with title, content and buttons. Focus is trapped inside and restored on close. */
import { i18n } from "@lingui/core";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Form } from "@/ui/form";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  /** Buttons; the last is the one that goes on. */
  footer?: ReactNode;
  onSubmit?: () => void;
  /** For questions that must be answered. */
  role?: "dialog" | "alertdialog";
}

export function Dialog({ title, onClose, children, wide, footer, onSubmit, role = "dialog" }: Props) {
  const body = (
    <>
      <div className="dialog-body">{children}</div>
      {footer && <div className="dialog-footer">{footer}</div>}
    </>
  );
  return (
    <ModalOverlay
      className="overlay"
      isOpen
      isDismissable={role === "dialog"}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Modal className={wide ? "modal wide" : "modal"}>
        <AriaDialog className="dialog" role={role}>
          <header className="dialog-header">
            <Heading slot="title">{title}</Heading>
            <button className="icon-button" aria-label={i18n.t("Close")} onClick={onClose}>
              <X size={20} />
            </button>
          </header>
          {onSubmit ? <Form onSubmit={onSubmit}>{body}</Form> : body}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** The buttons of a dialog with a form: one closes it, the other submits it. */
export function FormButtons({ submit, disabled, onClose }: { submit: string; disabled?: boolean; onClose: () => void }) {
  return (
    <>
      <button type="button" className="button" onClick={onClose}>
        {i18n.t("Cancel")}
      </button>
      <button type="submit" className="button primary" disabled={disabled}>
        {submit}
      </button>
    </>
  );
}

interface ConfirmProps {
  title: string;
  text: ReactNode;
  action: string;
  danger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

export function Confirm({ title, text, action, danger, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog
      title={title}
      role="alertdialog"
      onClose={onClose}
      onSubmit={() => {
        onClose();
        onConfirm();
      }}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            {i18n.t("Cancel")}
          </button>
          <button type="submit" className={danger ? "button danger" : "button primary"} autoFocus>
            {action}
          </button>
        </>
      }
    >
      <p>{text}</p>
    </Dialog>
  );
}
