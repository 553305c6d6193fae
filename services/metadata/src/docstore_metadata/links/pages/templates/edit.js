// The page of a link for editing. It is loaded again after each change, by an address that does not count as an open.
const failure = document.querySelector("p.failure");

function refresh() {
  location.replace(here.here);
}

async function change(work) {
  failure.hidden = true;
  try {
    await work();
    refresh();
  } catch (error) {
    failure.textContent = _("Not changed. {why}", { why: error.message });
    failure.hidden = false;
  }
}

// What a control is about: the row or page with `data-id`.
const about = (element) => element.closest("[data-id]").dataset;
const actions = {
  folder() {
    const name = prompt(_("Name of the new folder"));
    if (name) void change(() => call("POST", "/folders", { name: name.normalize("NFC"), parent_id: here.folder }));
  },
  rename(element) {
    const { id, name, etag } = about(element);
    const renamed = prompt(_("New name"), name);
    if (!renamed || renamed === name) return;
    void change(() => call("PATCH", `/files/${id}`, { name: renamed.normalize("NFC") }, { "If-Match": etag }));
  },
  remove(element) {
    const { id, name, etag } = about(element);
    if (confirm(_("Delete “{name}”?", { name }))) void change(() => call("DELETE", `/files/${id}`, undefined, { "If-Match": etag }));
  },
  async text(element) {
    const response = await fetch(element.dataset.content, { credentials: "omit" });
    if (!response.ok) return;
    editor.elements.text.value = await response.text();
    editor.hidden = false;
    editor.elements.text.focus();
  },
};
document.addEventListener("click", (event) => {
  const element = event.target.closest("[data-action]");
  if (element) void actions[element.dataset.action](element);
});

document.addEventListener("change", async (event) => {
  const { files, dataset } = event.target;
  if (!files?.length) return;
  const { id, version } = dataset.replaces ? about(event.target) : {};
  const wanted = (file) =>
    id ? { file_id: id, base_version: Number(version) } : { name: file.name.normalize("NFC"), parent_id: here.folder };
  if (await sendAll([...files], wanted)) refresh();
  event.target.value = "";
});

const editor = document.querySelector("form.editor");
editor?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { id, version, name } = about(editor);
  const file = new File([editor.elements.text.value], name);
  void change(() => send(file, { file_id: id, base_version: Number(version) }, () => {}));
});
