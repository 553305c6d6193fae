"use strict";
// For pages by which visitors of a link send files: each goes straight to the object store by a signed URL.
// The element with `data-link`, the link's address in the API, says by which link and grant.
const here = document.querySelector("[data-link]").dataset;
const list = document.querySelector("ul.sent");

// The texts of this script in the language of the page, by the English ones.
const texts = JSON.parse(here.texts);
const _ = (text, values = {}) => (texts[text] ?? text).replace(/\{(\w+)\}/g, (_whole, name) => values[name]);

// Why something failed, by the code of a problem.
const REASONS = {
  link_password: _("Reload this page and enter the password again."),
  version_conflict: _("Someone else has changed it in the meantime. Reload this page."),
  precondition_failed: _("Someone else has changed it in the meantime. Reload this page."),
};
// The same where the server's own words, which know more, are in another language.
const TRANSLATED_REASONS = {
  link_full: _("The link receives no more files, or none as large."),
  name_taken: _("There is a file or folder of this name."),
  invalid_path: _("This name is not allowed. Choose another."),
};

function addRow(name) {
  const item = list.appendChild(document.createElement("li"));
  const title = item.appendChild(document.createElement("span"));
  title.className = "about name";
  title.dir = "auto";
  title.textContent = name;
  const state = item.appendChild(document.createElement("span"));
  state.setAttribute("role", "status");
  state.textContent = _("Waiting");
  return state;
}

// Sends a file: a new one by `name`, or a new version by `file_id` and `base_version`.
async function send(file, about, progress) {
  const upload = await call("POST", "/uploads", { ...about, size: file.size });
  await put(upload, file, progress);
  return call("POST", `/uploads/${upload.id}/complete`);
}

// Sends all, one after the other, and shows how far each is; resolves to whether all have arrived.
async function sendAll(files, aboutOf) {
  let complete = true;
  for (const file of files) {
    const row = addRow(file.name);
    try {
      const received = await send(file, aboutOf(file), (part) => (row.textContent = `${Math.floor(part * 100)} %`));
      row.textContent = received.name === file.name ? _("Sent") : _("Sent as “{name}”", { name: received.name });
      row.dataset.state = "sent";
    } catch (error) {
      row.textContent = _("Not sent. {why}", { why: error.message });
      row.className = "wrong";
      complete = false;
    }
  }
  return complete;
}

async function call(method, path, body, more = {}) {
  const headers = { "Content-Type": "application/json", "X-Link-Grant": here.grant, ...more };
  let response;
  try {
    response = await fetch(here.link + path, { method, headers, body: body && JSON.stringify(body), credentials: "omit" });
  } catch {
    throw new Error(_("Check your connection and try again."));
  }
  const result = await response.json().catch(() => ({}));
  if (response.ok) return result;
  throw new Error(reason(result) || _("The server responded with {status}.", { status: response.status }));
}

function reason({ code, detail }) {
  const translated = document.documentElement.lang === "en" ? undefined : TRANSLATED_REASONS[code];
  return REASONS[code] ?? translated ?? detail;
}

function put(upload, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", upload.url);
    for (const [name, value] of Object.entries(upload.headers)) {
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value); // set by the browser
    }
    request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 1);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(_("The store refused the file."))));
    request.onerror = () => reject(new Error(_("Check your connection and try again.")));
    request.send(file);
  });
}
