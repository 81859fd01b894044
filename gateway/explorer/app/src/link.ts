// Links that carry an operation: #query=…&variables=…, in the fragment so that no log sees it.

export type Link = { query: string; variables: string };

/** The operation in a fragment; null if there is none. */
export function fromFragment(fragment: string): Link | null {
  const parts = new Map(
    fragment
      .replace(/^#/, "")
      .split("&")
      .map((part) => {
        const [name = "", ...value] = part.split("=");
        return [name, decoded(value.join("="))];
      }),
  );
  const query = parts.get("query");
  return query ? { query, variables: parts.get("variables") ?? "" } : null;
}

/** The page's address with an operation in its fragment. */
export function toLink({ query, variables }: Link): string {
  const address = new URL(location.href);
  const parts = [`query=${encodeURIComponent(query)}`];
  if (variables.trim()) parts.push(`variables=${encodeURIComponent(variables)}`);
  address.hash = parts.join("&");
  return address.href;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % of a link written by hand
  }
}
