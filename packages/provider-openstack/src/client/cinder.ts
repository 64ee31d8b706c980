import type { OpenStackCall } from "./call.js";
import { createService } from "./service.js";
import type { Session, SessionOptions } from "./session.js";

/** A kind of volume. */
export interface VolumeType {
  readonly id: string;
  readonly name: string;
}

/** A volume. */
export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: string;
  /** GiB. */
  readonly size: number;
  readonly attachments: readonly { readonly server_id: string }[];
}

/** Quota and use of the project; -1 is unlimited. */
export interface VolumeLimits {
  readonly maxTotalVolumes: number;
  readonly totalVolumesUsed: number;
  /** GiB. */
  readonly maxTotalVolumeGigabytes: number;
  readonly totalGigabytesUsed: number;
}

/** OpenStack Block Storage (API v3, its oldest microversion). */
export interface Cinder {
  listVolumeTypes(call: OpenStackCall): Promise<readonly VolumeType[]>;
  limits(call: OpenStackCall): Promise<VolumeLimits>;
  /** Volumes of the project with exactly this name, or all. */
  listVolumes(call: OpenStackCall, query?: { readonly name?: string }): Promise<readonly Volume[]>;
  /** `undefined` when it does not exist. */
  getVolume(call: OpenStackCall, id: string): Promise<Volume | undefined>;
  /** False when it did not exist. */
  updateVolume(
    call: OpenStackCall,
    id: string,
    change: { readonly name: string; readonly description: string },
  ): Promise<boolean>;
  /** False when it did not exist. Refused while the volume is in use. */
  deleteVolume(call: OpenStackCall, id: string): Promise<boolean>;
}

export function createCinder(session: Session, options: SessionOptions): Cinder {
  const service = createService(session, options, {
    name: "cinder",
    types: ["block-storage", "volumev3", "block-store"],
    version: "v3",
    projectInPath: true,
  });
  const volumePath = (id: string) => `volumes/${encodeURIComponent(id)}`;
  return {
    listVolumeTypes: (call) => service.collect<VolumeType>(call, "volume_types", "types"),
    async limits(call) {
      const answer = await service.request<{ limits: { absolute: VolumeLimits } }>(call, { path: "limits" });
      return answer.data.limits.absolute;
    },
    listVolumes: (call, query) => service.collect<Volume>(call, "volumes", "volumes/detail", query),
    async updateVolume(call, id, volume) {
      const answer = await service.request(call, {
        method: "PUT",
        path: volumePath(id),
        body: { volume },
        accept: [404],
      });
      return answer.status !== 404;
    },
    async getVolume(call, id) {
      const answer = await service.request<{ volume: Volume }>(call, { path: volumePath(id), accept: [404] });
      return answer.status === 404 ? undefined : answer.data.volume;
    },
    async deleteVolume(call, id) {
      const answer = await service.request(call, {
        method: "DELETE",
        path: volumePath(id),
        accept: [404],
      });
      return answer.status !== 404;
    },
  };
}
