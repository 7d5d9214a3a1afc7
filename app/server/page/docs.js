"use strict";
// The routes of openapi.json, each with its fields, an example and its answers.
let api = null;

// A schema without what leads elsewhere: references followed, and an alternative to null alone is what it is.
function plain(schema) {
  if (schema.$ref) {
    const { $ref, ...own } = schema;
    return plain({ ...api.components.schemas[$ref.split("/").at(-1)], ...own });
  }
  const forms = (schema.anyOf ?? []).filter(({ type }) => type !== "null");
  if (forms.length !== 1) return forms.length ? { ...schema, anyOf: forms } : schema;
  const { anyOf, ...own } = schema;
  const form = plain(forms[0]);
  return { ...form, ...own, ...(form.properties || own.properties ? { properties: { ...form.properties, ...own.properties } } : {}) };
}
const formsOf = (schema) => (plain(schema).anyOf ?? []).map(plain);

// Its fields by name: those of all its forms together.
function fieldsOf(schema) {
  const { properties = {}, required = [] } = plain(schema);
  const fields = new Map(formsOf(schema).flatMap((form) => [...fieldsOf(form)].map(([name, field]) => [name, { ...field, needed: false }])));
  for (const [name, field] of Object.entries(properties)) fields.set(name, { schema: field, needed: required.includes(name) });
  for (const name of required) if (!fields.has(name)) fields.set(name, { schema: {}, needed: true });
  return fields;
}
// Which fields each of its forms needs: "response", "chosen and rejected".
const needsOf = (schema) => formsOf(schema).flatMap((form) => {
  const own = (form.required ?? []).join(" and ");
  const deeper = needsOf(form);
  return deeper.length ? deeper.map((need) => [own, need].filter(Boolean).join(" with ")) : own ? [own] : [];
});

function typeWords(schema) {
  const one = plain(schema);
  if ("const" in one) return JSON.stringify(one.const);
  if (one.enum) return one.enum.map((value) => JSON.stringify(value)).join(", ");
  if (one.type === "array") return one.items ? `list of ${typeWords(one.items)}` : "list";
  if (Array.isArray(one.type)) return one.type.join(" or ");
  if (!one.type && one.anyOf) return [...new Set(one.anyOf.map(typeWords))].join(" or ");
  const range = [["minimum", "from"], ["exclusiveMinimum", "above"], ["maximum", "to"], ["exclusiveMaximum", "below"]].flatMap(([name, word]) => (name in one ? [`${word} ${one[name]}`] : []));
  return [one.type ?? (one.properties ? "object" : "anything"), ...range].join(" ");
}
// What has fields of its own within a field: an object, the items of a list, a form of either.
function within(schema) {
  const one = plain(schema);
  if (one.type === "array") return one.items ? within(one.items) : undefined;
  if (fieldsOf(one).size) return one;
  return formsOf(one).map(within).find(Boolean);
}

// Fields as a table. What is within a field is made when it is opened, for a record may hold a record.
function fieldTable(schema) {
  const head = element("tr", "", ...["field", "type", "what it is"].map((name) => Object.assign(element("th", "", name), { scope: "col" })));
  const rows = [...fieldsOf(schema)].map(([name, { schema: field, needed }]) => {
    const about = element("td", "", plain(field).description ?? "");
    const inner = within(field);
    if (inner) {
      const more = element("details", "", element("summary", "", `fields of ${name}`));
      more.addEventListener("toggle", () => { if (more.children.length < 2) more.append(fieldTable(inner)); });
      about.append(more);
    }
    return element("tr", "", element("td", "", element("code", "", name), needed ? element("small", "needed", " needed") : ""), element("td", "", typeWords(field)), about);
  });
  return element("table", "fields", element("thead", "", head), element("tbody", "", ...rows));
}

function answers(replies) {
  const box = element("details", "", element("summary", "", `Answers: ${Object.keys(replies).sort().join(", ")}`));
  for (const [status, { description, content }] of Object.entries(replies).sort()) {
    const schema = Object.values(content ?? {})[0]?.schema;
    box.append(element("p", "", element("b", "", status), ` ${description}${schema ? `: ${typeWords(schema)}` : ""}`));
    if (schema && status === "200" && fieldsOf(schema).size) box.append(fieldTable(schema));
  }
  return box;
}

// Paths that take the same stand together.
function routeCard({ paths, method, route }) {
  const card = element("section", "route", element("h2", "", element("span", "method", method.toUpperCase()), ...paths.map((path) => element("code", "", path))), element("p", "", route.summary));
  for (const { name, in: where, schema } of route.parameters ?? []) card.append(element("p", "", element("code", "", name), ` in the ${where}: ${typeWords(schema)}`));
  const body = route.requestBody?.content["application/json"];
  if (body) {
    const needs = needsOf(body.schema);
    if (needs.length) card.append(element("p", "note", `It needs ${needs.length > 1 ? "one of: " : ""}${[...new Set(needs)].join("; ")}.`));
    if (fieldsOf(body.schema).size) card.append(fieldTable(body.schema));
    if (body.example) card.append(element("pre", "", `curl ${location.origin}${paths[0]}${api.security ? " -H 'Authorization: Bearer KEY'" : ""} -d '${JSON.stringify(body.example).replaceAll("'", "'\\''")}'`));
  } else {
    card.append(element("pre", "", `curl ${location.origin}${paths[0]}`));
  }
  card.append(answers(route.responses));
  return card;
}

function show(description) {
  api = description;
  const routes = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const same = JSON.stringify([method, route]);
      if (!routes.has(same)) routes.set(same, { paths: [], method, route });
      routes.get(same).paths.push(path);
    }
  }
  const cards = [...routes.values()].map(routeCard);
  by("routes").replaceChildren(...cards);
  const filter = () => {
    const wanted = by("filter").value.toLowerCase();
    for (const card of cards) card.hidden = !card.textContent.toLowerCase().includes(wanted);
    by("shown").textContent = `${cards.filter(({ hidden }) => !hidden).length} of ${cards.length}`;
  };
  by("filter").addEventListener("input", filter);
  filter();
}
fetch("openapi.json").then((reply) => reply.json()).then(show).catch((error) => { by("routes").textContent = "The description could not be read: " + error; });
