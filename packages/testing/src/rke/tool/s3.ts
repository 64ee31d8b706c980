import type { S3Target } from "./cluster-file.js";

/** The buckets that emulated snapshots go to, at any endpoint. */
export interface S3 {
  /** Credentials that are let in. */
  readonly accessKey: string;
  readonly secretKey: string;
  /** Buckets that exist, with the content of their objects by key. */
  readonly buckets: ReadonlyMap<string, Map<string, string>>;
}

export function createS3(): S3 {
  return {
    accessKey: "AKIAEMULATED",
    secretKey: "emulated-secret-key",
    buckets: new Map([["snapshots", new Map()]]),
  };
}

/** The objects of a bucket with the key of a snapshot. Throws what the S3 client of RKE's tools says. */
export function objectOf(
  s3: S3,
  target: S3Target,
  name: string,
): { objects: Map<string, string>; key: string } {
  if (target.accessKey !== s3.accessKey)
    throw new Error("The Access Key Id you provided does not exist in our records.");
  if (target.secretKey !== s3.secretKey)
    throw new Error("The request signature we calculated does not match the signature you provided.");
  const objects = s3.buckets.get(target.bucket);
  if (!objects) throw new Error(`bucket ${target.bucket} does not exist`);
  return { objects, key: target.folder === "" ? `${name}.zip` : `${target.folder}/${name}.zip` };
}
