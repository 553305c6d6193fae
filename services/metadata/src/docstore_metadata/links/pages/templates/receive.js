// The page of a link that receives.
const form = document.querySelector("form");
const input = form.elements.files;
const button = form.querySelector("button");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  await sendAll([...input.files], (file) => ({ name: file.name.normalize("NFC") }));
  form.reset();
  button.disabled = false;
});
