import type { Route, ServiceRequest, ServiceResponse } from "../world/http-service.js";
import { empty, fault, faultBody, refusal } from "./answers.js";
import { FieldError, integer, metadata, object, text } from "./fields.js";
import { type Caller, demandCaller } from "./identity.js";
import { PagingError, pageOf } from "./paging.js";
import type { VolumeRecord } from "./records.js";
import { type CloudState, newId, timestamp } from "./state.js";

type CinderCall = ServiceRequest & { readonly caller: Caller; readonly base: string };

const createVolume = object(
  {
    volume: object(
      {
        size: integer({ min: 1 }),
        name: text({ max: 255 }),
        description: text({ max: 255 }),
        volume_type: text({ max: 255 }),
        availability_zone: text({ max: 255 }),
        metadata,
      },
      ["size"],
    ),
  },
  ["volume"],
);

const updateVolume = object(
  { volume: object({ name: text({ max: 255 }), description: text({ max: 255 }), metadata }) },
  ["volume"],
);

/** Cinder: volumes and their types, limits. The project's id in the path must be the token's. */
export function cinderRoutes(state: CloudState, prefix: string, authUrl: () => string): Route[] {
  const route = (
    method: string,
    path: string,
    handle: (call: CinderCall) => ServiceResponse | Promise<ServiceResponse>,
  ): Route => ({
    method,
    path: `${prefix}/v3/:project${path}`,
    async handle(request) {
      const caller = demandCaller(state, request, authUrl());
      if (request.params.project !== caller.project.id) throw fault(400, "Malformed request url");
      const asked = request.headers["openstack-api-version"];
      // Cinder takes no header that speaks of another service only.
      if (typeof asked === "string" && !/volume\s+(3\.\d+|latest)/.test(asked)) {
        throw fault(400, "Version should be in the form 'volume 3.x'");
      }
      const base = `${request.origin}${prefix}/v3/${caller.project.id}`;
      return handle({ ...request, caller, base });
    },
  });
  const owned = (call: CinderCall) =>
    [...state.volumes.values()].filter((volume) => volume.project === call.caller.project).reverse();
  const find = (call: CinderCall): VolumeRecord => {
    const volume = state.volumes.get(call.params.id!);
    if (volume && volume.project === call.caller.project) return volume;
    throw fault(404, `Volume ${call.params.id} could not be found.`);
  };
  const effect = (action: "create" | "update" | "delete", volume: VolumeRecord) =>
    state.world.effects.record({
      service: `${state.name}/cinder`,
      kind: "volume",
      action,
      name: volume.name || volume.id,
    });
  const collection = <T extends { readonly id: string }>(
    call: CinderCall,
    key: string,
    path: string,
    all: readonly T[],
    view: (item: T) => unknown,
  ): ServiceResponse => {
    try {
      const page = pageOf(call, all, (item) => item.id, state.pageSize);
      const link = { rel: "next", href: `${call.base}${path}?${page.next}` };
      return {
        status: 200,
        body: {
          [key]: page.items.map(view),
          ...(page.next ? { [`${key.replace(/s$/, "")}_links`]: [link] } : {}),
        },
      };
    } catch (error) {
      if (error instanceof PagingError) throw fault(400, `${error.message} not found`);
      throw error;
    }
  };

  return [
    {
      method: "GET",
      path: `${prefix}/`,
      handle: () => ({ status: 300, body: { versions: [{ id: "v3.0", version: "3.70" }] } }),
    },
    route("GET", "/types", (call) =>
      collection(call, "volume_types", "/types", state.volumeTypes, (type) => ({ ...type, is_public: true })),
    ),
    route("GET", "/limits", (call) => ({
      status: 200,
      body: {
        limits: {
          rate: [],
          absolute: {
            maxTotalVolumes: call.caller.project.quotas.volumes,
            totalVolumesUsed: owned(call).length,
            maxTotalVolumeGigabytes: call.caller.project.quotas.gigabytes,
            totalGigabytesUsed: owned(call).reduce((sum, volume) => sum + volume.size, 0),
          },
        },
      },
    })),
    route("GET", "/volumes/detail", (call) => {
      const name = call.query.get("name");
      const matching = owned(call).filter((volume) => name === null || volume.name === name);
      return collection(call, "volumes", "/volumes/detail", matching, volumeView);
    }),
    route("GET", "/volumes/:id", (call) => ({ status: 200, body: { volume: volumeView(find(call)) } })),
    route("POST", "/volumes", async (call) => {
      const volume = newVolume(state, call, owned(call));
      state.volumes.set(volume.id, volume);
      await effect("create", volume);
      return { status: 202, body: { volume: { ...volumeView(volume), status: "creating" } } };
    }),
    route("PUT", "/volumes/:id", async (call) => {
      const volume = find(call);
      judge(() => updateVolume(call.body, undefined));
      const given = (call.body as { volume: { name?: string; description?: string } }).volume;
      volume.name = given.name ?? volume.name;
      volume.description = given.description ?? volume.description;
      await effect("update", volume);
      return { status: 200, body: { volume: volumeView(volume) } };
    }),
    route("DELETE", "/volumes/:id", async (call) => {
      const volume = find(call);
      if (volume.status === "in-use") {
        throw fault(
          400,
          "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.",
        );
      }
      state.volumes.delete(volume.id);
      await effect("delete", volume);
      return empty(202);
    }),
  ];
}

function newVolume(state: CloudState, call: CinderCall, owned: readonly VolumeRecord[]): VolumeRecord {
  judge(() => createVolume(call.body, undefined));
  const given = (
    call.body as {
      volume: {
        size: number;
        name?: string;
        description?: string;
        volume_type?: string;
        metadata?: Record<string, string>;
      };
    }
  ).volume;
  const { volumes, gigabytes } = call.caller.project.quotas;
  if (volumes >= 0 && owned.length >= volumes) {
    throw overLimit(
      `VolumeLimitExceeded: Maximum number of volumes allowed (${volumes}) exceeded for quota 'volumes'.`,
    );
  }
  const used = owned.reduce((sum, volume) => sum + volume.size, 0);
  if (gigabytes >= 0 && used + given.size > gigabytes) {
    throw overLimit(
      `VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested ${given.size}G, quota is ${gigabytes}G and ${used}G has been consumed.`,
    );
  }
  const asked = given.volume_type;
  const type = state.volumeTypes.find(
    (other) => asked === undefined || [other.id, other.name].includes(asked),
  );
  if (!type) throw fault(404, `Volume type with name ${asked} could not be found.`);
  return {
    id: newId(),
    name: given.name ?? "",
    description: given.description ?? "",
    project: call.caller.project,
    size: Number(given.size),
    type: type.name,
    createdAt: timestamp(state),
    metadata: given.metadata ?? {},
    status: "available",
    server: undefined,
  };
}

function judge(look: () => void): void {
  try {
    look();
  } catch (error) {
    if (error instanceof FieldError) throw fault(400, error.sentence());
    throw error;
  }
}

function overLimit(message: string): Error {
  const { overLimit: body } = faultBody(413, message) as { overLimit: object };
  return refusal(413, { overLimit: { ...body, retryAfter: "0" } }, { "retry-after": "0" });
}

function volumeView(volume: VolumeRecord) {
  return {
    id: volume.id,
    name: volume.name,
    description: volume.description || null,
    status: volume.status,
    size: volume.size,
    volume_type: volume.type,
    bootable: volume.server ? "true" : "false",
    metadata: volume.metadata,
    created_at: volume.createdAt,
    attachments: volume.server ? [{ server_id: volume.server.id, volume_id: volume.id }] : [],
  };
}
