import { expect, it } from "vitest";
import { versionedUrl, versionRoot } from "./catalog.js";

it.each([
  ["http://c:8774", "v2.1", "", "http://c:8774/v2.1"],
  ["http://c:8774/v2.1/", "v2.1", "", "http://c:8774/v2.1"],
  ["http://c:8774/v2.1/abc", "v2.1", "", "http://c:8774/v2.1/abc"],
  ["http://c:8774/v2/abc", "v2.1", "", "http://c:8774/v2.1/abc"],
  ["https://c/compute", "v2.1", "", "https://c/compute/v2.1"],
  ["https://c/compute/v2.1/", "v2.1", "", "https://c/compute/v2.1"],
  ["https://c/compute/v2.1/abc/", "v2.1", "", "https://c/compute/v2.1/abc"],
  ["https://v2.1.example/region-1/compute/v2", "v2.1", "", "https://v2.1.example/region-1/compute/v2.1"],
  ["https://c:9696", "v2.0", "", "https://c:9696/v2.0"],
  ["https://c/network/v2.0/", "v2.0", "", "https://c/network/v2.0"],
  ["https://c/networking/", "v2.0", "", "https://c/networking/v2.0"],
  ["https://c/image/v2", "v2", "", "https://c/image/v2"],
  ["https://c:5000/v2.0", "v3", "", "https://c:5000/v3"],
  ["https://c/identity/v3/", "v3", "", "https://c/identity/v3"],
  ["https://c/volume", "v3", "abc", "https://c/volume/v3/abc"],
  ["https://c/volume/v3", "v3", "abc", "https://c/volume/v3/abc"],
  ["https://c/volume/v3/abc", "v3", "abc", "https://c/volume/v3/abc"],
])("%s with %s%s is %4$s", (url, version, suffix, expected) => {
  expect(versionedUrl(url, version, suffix)).toBe(expected);
});

it.each([
  ["https://c:8774/v2.1", "https://c:8774/v2.1"],
  ["https://c/compute/v2.1/abc", "https://c/compute/v2.1"],
  ["https://v2.1.example/compute/v2.1/abc", "https://v2.1.example/compute/v2.1"],
])("the version of %s tells about itself at %s", (url, expected) => {
  expect(versionRoot(url, "v2.1")).toBe(expected);
});
