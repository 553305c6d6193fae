/** Dialog to share a file or folder with people and by links. */
import { i18n } from "@lingui/core";
import { Link2, UserPlus } from "lucide-react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import type { FileItem } from "@/api/types";
import { Links } from "@/sharing/Links";
import { People } from "@/sharing/People";
import { Dialog } from "@/ui/dialog";

export default function ShareDialog({ file, onClose }: { file: FileItem; onClose: () => void }) {
  return (
    <Dialog title={i18n.t("Share “{name}”", { name: file.name })} onClose={onClose}>
      <Tabs className="tabs">
        <TabList aria-label={i18n.t("How to share")}>
          <Tab id="people">
            <UserPlus size={16} aria-hidden="true" /> {i18n.t("People")}
          </Tab>
          <Tab id="links">
            <Link2 size={16} aria-hidden="true" /> {i18n.t("Links")}
          </Tab>
        </TabList>
        <TabPanel id="people">
          <People file={file} />
        </TabPanel>
        <TabPanel id="links">
          <Links file={file} />
        </TabPanel>
      </Tabs>
    </Dialog>
  );
}
