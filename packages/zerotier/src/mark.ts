const pattern = /(?:^|\s)multicloud:([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?=\s|$)/;

/** The text by which a cluster recognises what it made: `multicloud:<cluster>`. */
function markOf(cluster: string): string {
  return `multicloud:${cluster}`;
}

/** Which cluster a text marks its thing for; `undefined` when it carries no mark, so that a person owns it. */
export function ownerOf(text: string | null | undefined): string | undefined {
  return pattern.exec(text ?? "")?.[1];
}

/** The text with the mark, keeping what a person wrote. */
export function withMark(text: string | null | undefined, cluster: string): string {
  return [withoutMark(text), markOf(cluster)].filter(Boolean).join(" ");
}

/** What a person wrote around the mark. */
export function withoutMark(text: string | null | undefined): string {
  return (text ?? "").replace(pattern, "").trim();
}
