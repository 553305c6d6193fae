const services = SERVICES;
const asked = new URLSearchParams(location.search).get("service");
const shown = services.includes(asked) ? asked : services[0];
const links = document.createElement("nav");
for (const name of services) {
  const link = document.createElement("a");
  link.href = `?service=${name}`;
  link.textContent = name;
  links.append(link, " ");
}
document.body.prepend(links);
SwaggerUIBundle({ url: `/internal/docs/${shown}.json`, dom_id: "#api", deepLinking: true, supportedSubmitMethods: [] });
