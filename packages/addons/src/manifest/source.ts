/**
 * Where an addon's manifest comes from.
 *
 * - a string: the YAML itself;
 * - `file`: a file on this machine, for offline use;
 * - `url`: fetched by HTTP, redirects followed. With `sha256` (of the file, hexadecimal) anything else is
 *   refused. Without it the first file that came is remembered in the cluster's state, and a later one that
 *   differs is refused.
 */
export type ManifestSource =
  | string
  | { readonly file: string }
  | { readonly url: string; readonly sha256?: string };

/** Options that every addon with a manifest has. */
export interface ManifestOptions {
  /** Default: the release this package was made for, from the internet. */
  readonly manifest?: ManifestSource;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}
