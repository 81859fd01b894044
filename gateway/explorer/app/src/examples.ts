export type Example = { title: string; query: string };

/** The example queries for the loaded memory, which the gateway writes into the page. */
export const examples: Example[] = JSON.parse(
  document.getElementById("examples")?.textContent?.replace("/*EXAMPLES*/", "") || "[]",
);
