import {
  anything,
  boolean,
  type Field,
  FieldError,
  format,
  integer,
  list,
  metadata,
  object,
  oneOf,
  text,
  uuid,
} from "./fields.js";
import { isAtLeast } from "./microversion.js";

/** `POST /servers` after it was judged. */
export interface CreateBody {
  readonly server: {
    readonly name: string;
    readonly flavorRef: string;
    readonly imageRef?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly networks?: readonly NetworkRequest[] | "auto" | "none";
    readonly key_name?: string;
    readonly user_data?: string;
    readonly availability_zone?: string;
    readonly config_drive?: boolean | string;
    readonly security_groups?: readonly { readonly name: string }[];
    readonly block_device_mapping_v2?: readonly BlockDeviceRequest[];
    readonly description?: string;
    readonly tags?: readonly string[];
    readonly min_count?: number;
    readonly max_count?: number;
  };
  readonly "os:scheduler_hints"?: { readonly group?: string };
  readonly "OS-SCH-HNT:scheduler_hints"?: { readonly group?: string };
}

interface NetworkRequest {
  readonly uuid?: string;
  readonly port?: string | null;
  readonly fixed_ip?: string;
}

export interface BlockDeviceRequest {
  readonly boot_index?: number | string | null;
  readonly source_type?: string;
  readonly destination_type?: string;
  readonly uuid?: string;
  readonly volume_size?: number | string;
  readonly volume_type?: string;
  readonly delete_on_termination?: boolean | string;
}

const name = text({ min: 1, max: 255 });
const base64 = format("base64", /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 65_535);
const flavorRef: Field = (value, field) =>
  typeof value === "number" ? undefined : text({ min: 1 })(value, field);
const imageRef: Field = (value, field) => (value === "" ? undefined : uuid(value, field));
const networkPort: Field = (value, field) => (value === null ? undefined : uuid(value, field));
const bootIndex: Field = (value, field) =>
  value === null ? undefined : integer({ min: -2_147_483_648 })(value, field);
const tag = format("tag", /^[^,/]{1,60}$/, 60);

/** What Nova's schema of a microversion lets through (API reference, "Create Server"; each field from the version that brought it). */
export function createBody(version: string): Field {
  const from = (wanted: string, fields: Readonly<Record<string, Field>>) =>
    isAtLeast(version, wanted) ? fields : {};
  const until = (removed: string, fields: Readonly<Record<string, Field>>) =>
    isAtLeast(version, removed) ? {} : fields;
  const networkItem = object({
    uuid: isAtLeast(version, "2.37") ? uuid : text(),
    port: networkPort,
    fixed_ip: text(),
    ...from("2.42", { tag }),
  });
  const networks: Field = (value, field) => {
    if (isAtLeast(version, "2.37") && (value === "auto" || value === "none")) return;
    list(networkItem)(value, field);
  };
  const device = object({
    source_type: oneOf(["volume", "image", "snapshot", "blank"]),
    destination_type: oneOf(["local", "volume"]),
    uuid: text({ min: 1, max: 255 }),
    image_id: uuid,
    volume_id: uuid,
    snapshot_id: uuid,
    volume_size: integer({ min: 1 }),
    boot_index: bootIndex,
    delete_on_termination: boolean,
    guest_format: text({ max: 255 }),
    device_type: text({ max: 255 }),
    disk_bus: text({ max: 255 }),
    device_name: name,
    no_device: anything,
    ...from("2.42", { tag }),
    ...from("2.67", { volume_type: text({ max: 255 }) }),
  });
  const server = object(
    {
      name,
      imageRef,
      flavorRef,
      adminPass: text(),
      metadata,
      networks,
      "OS-DCF:diskConfig": oneOf(["AUTO", "MANUAL"]),
      accessIPv4: text(),
      accessIPv6: text(),
      availability_zone: name,
      block_device_mapping_v2: list(device),
      config_drive: boolean,
      key_name: name,
      min_count: integer({ min: 1 }),
      max_count: integer({ min: 1 }),
      return_reservation_id: boolean,
      security_groups: list(object({ name })),
      user_data: base64,
      ...until("2.57", { personality: anything }),
      ...from("2.19", { description: text({ max: 255 }) }),
      ...from("2.52", { tags: list(tag) }),
      ...from("2.63", { trusted_image_certificates: list(text()) }),
      ...from("2.74", { host: text(), hypervisor_hostname: text() }),
      ...from("2.90", { hostname: text({ max: 63 }) }),
    },
    ["name", "flavorRef", ...(isAtLeast(version, "2.37") ? ["networks"] : [])],
  );
  const hints: Field = (value, field) => {
    // Other hints are for filters that the cloud's operator has switched on; the schema lets all through.
    const { group } = value as { group?: unknown };
    if (group !== undefined) uuid(group, field);
  };
  const body = object({ server, "os:scheduler_hints": hints, "OS-SCH-HNT:scheduler_hints": hints }, [
    "server",
  ]);
  return (value, field) => {
    body(value, field);
    const tags = (value as CreateBody).server.tags;
    if (tags && tags.length > 50) throw new FieldError("tags", tags, "the list is too long");
  };
}
