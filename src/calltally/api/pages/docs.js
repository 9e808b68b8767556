// Starts Scalar on our own document, with everything off that would speak to anybody but this server.
const HERE = new URL(".", location.href);
const HOW_TO_TRY =
  "To try it here, paste a key under *Authentication*, then press *Test Request* at " +
  "[Run a report](#tag/reports/GET/api/v1/analytics/calls) and *Send*. " +
  "The page forgets the key when you close it.";

function shown(document) {
  document.info.description += `\n${HOW_TO_TRY}`;
  document.servers[0].url = HERE.href.slice(0, -1);
  const operations = Object.values(document.paths).flatMap(Object.values);
  operations.flatMap((operation) => operation.parameters ?? []).forEach(turnOffUnlessUsual);
  return document;
}

// All examples at once would ask about no call at all: those of filters wait until they are ticked.
function turnOffUnlessUsual(parameter) {
  if (parameter.required || parameter.schema.default !== undefined) return;
  parameter.examples = { default: { value: parameter.example, "x-disabled": true } };
  delete parameter.example;
}

function start(document) {
  Scalar.createApiReference("#reference", {
    content: shown(document),
    agent: { disabled: true },
    mcp: { disabled: true },
    telemetry: false,
    withDefaultFonts: false,
    showDeveloperTools: "never",
    hideClientButton: true,
    documentDownloadType: "none",
    persistAuth: false,
    authentication: { preferredSecurityScheme: "key" },
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
    defaultOpenAllTags: true,
    hideModels: true,
  });
}

function excuse() {
  const said = document.createElement("p");
  said.textContent = "The server does not answer at the moment. Load this page again once it does.";
  document.getElementById("reference").append(said);
}

fetch(new URL("openapi.json", HERE))
  .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
  .then(start, excuse);
