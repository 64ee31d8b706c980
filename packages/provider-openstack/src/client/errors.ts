import type { ErrorCode } from "@multicloud/core/plugin";
import type { OpenStackAuth } from "./auth.js";

interface Described {
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly hint?: string;
}

/**
 * Reads the error bodies of the services. Each has its own: Nova and Cinder `{"badRequest":{code,message}}`,
 * Neutron `{"NeutronError":{type,message,detail}}`, Keystone and its middleware `{"error":{…}}`, Glance HTML.
 * A quota is refused as 403 by Nova, 409 by Neutron and 413 by Cinder; all become `QUOTA_EXCEEDED`.
 *
 * @param source where the credentials come from, for the hint of a refused login
 */
export function describeError(source: string): (status: number, body: unknown) => Described | undefined {
  return (status, body) => {
    const { message, type } = read(body);
    const said = message === undefined ? {} : { message };
    if (status === 401) {
      return {
        ...said,
        code: "AUTH_FAILED",
        hint: `check the credentials of ${source}: they are wrong, expired, or not for this project`,
      };
    }
    if (isQuota(status, type, message)) {
      return {
        ...said,
        code: "QUOTA_EXCEEDED",
        hint: "ask for fewer or smaller machines, delete what is not needed, or have the project's quota raised",
      };
    }
    return said.message === undefined ? undefined : said;
  };
}

/**
 * The same for Keystone's answer to a login. One with a token that is not good (any more) is answered with 404,
 * as is one that was sent to where Keystone is not.
 */
export function describeLoginError(
  auth: OpenStackAuth,
  source: string,
): (status: number, body: unknown) => Described | undefined {
  const describe = describeError(source);
  const byToken =
    auth.token !== undefined && auth.password === undefined && auth.applicationCredentialSecret === undefined;
  return (status, body) => {
    const described = describe(status, body);
    if (status === 401 && byToken) return { ...described, hint: tokenHint(source) };
    if (status !== 404) return described;
    return byToken
      ? { ...described, code: "AUTH_FAILED", hint: tokenHint(source) }
      : {
          ...described,
          code: "CONFIG_INVALID",
          hint: `auth_url of ${source} is not where Keystone answers: it is like https://cloud.example.com:5000/v3`,
        };
  };
}

function tokenHint(source: string): string {
  return `the token of ${source} has expired or was taken back, and cannot be renewed by itself: get another (openstack token issue), or use a password or an application credential`;
}

function isQuota(status: number, type: string | undefined, message = ""): boolean {
  // Nova passes Neutron's quota of ports on in words of its own.
  if (status === 403) return /quota exceeded|maximum number of ports exceeded/i.test(message);
  if (status === 409) return type === "OverQuota";
  return status === 413 && type === "overLimit";
}

function read(body: unknown): { readonly message?: string; readonly type?: string } {
  if (typeof body === "string") return { message: textOfHtml(body) };
  if (typeof body !== "object" || body === null) return {};
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === "string" && name === "NeutronError") return { type: name, message: value };
    if (typeof value !== "object" || value === null) continue;
    const { message, type, detail } = value as Record<string, unknown>;
    if (typeof message !== "string") continue;
    const more = typeof detail === "string" && detail !== "" ? ` (${detail})` : "";
    return {
      message: `${withoutValue(message)}${more}`.trim().slice(0, maxMessage),
      type: typeof type === "string" ? type : name,
    };
  }
  return {};
}

function textOfHtml(html: string): string {
  const body = /<body[^>]*>([\s\S]*)<\/body>/i.exec(html)?.[1] ?? html;
  return body
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, maxMessage);
}

/**
 * Nova and Cinder quote the whole value of a field that they refuse, which may be the user data with a host
 * key in it: only the field's name and what is wrong with it are kept.
 */
function withoutValue(message: string): string {
  const [, field] = /^Invalid input for field\/attribute ([^.\s]+)\./.exec(message) ?? [];
  if (field === undefined) return message;
  const [reason = "it is not accepted"] =
    /(is too long|is too short|is not of type .{1,40}|is not an? '[^']{1,20}'|'[^']{1,60}' is a required property|Additional properties are not allowed \([^()]{1,120}\))$/.exec(
      message.trim(),
    ) ?? [];
  return `invalid field ${field}: ${reason}`;
}

const maxMessage = 300;
