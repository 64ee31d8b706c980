import { type ErrorCode, MulticloudError } from "@multicloud/core/plugin";

/** Response codes (RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8945 §3). */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
} as const;

/** Errors inside a TSIG record (RFC 8945 §3). */
export const tsigErrors = { BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

/** What was going on when a server answered, for messages. */
export interface Asked {
  /** For example `changing *.apps.example.com`. */
  readonly doing: string;
  /** `host:port`. */
  readonly server: string;
  readonly zone: string;
  readonly key: { readonly name: string; readonly algorithm: string };
  readonly isUpdate: boolean;
}

const nameOf = (table: Readonly<Record<string, number>>, value: number) =>
  Object.entries(table).find(([, number]) => number === value)?.[0] ?? `code ${value}`;

/** A refusal by the server, in people's words. */
export function refusal(asked: Asked, rcode: number, tsigError = 0): MulticloudError {
  const { code, why, hint } = tsigError === 0 ? explainRcode(asked, rcode) : explainTsig(asked, tsigError);
  const answered = tsigError === 0 ? nameOf(rcodes, rcode) : nameOf(tsigErrors, tsigError);
  return new MulticloudError(`${asked.server} answered ${answered} while ${asked.doing}: ${why}`, {
    code,
    service: "rfc2136",
    status: rcode,
    hint,
  });
}

interface Explanation {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint?: string;
}

function explainTsig({ key }: Asked, error: number): Explanation {
  const { name, algorithm } = key;
  if (error === tsigErrors.BADKEY) {
    return {
      code: "AUTH_FAILED",
      why: `it knows no key ${name} with ${algorithm}, or not for this zone`,
      hint: "key.name and key.algorithm must be as in the server's configuration (BIND: key; Knot: key.id, and in an acl of the zone), and the server must have been reloaded since",
    };
  }
  if (error === tsigErrors.BADSIG) {
    return {
      code: "AUTH_FAILED",
      why: `the secret of the key ${name} is another one there`,
      hint: "key.secret must be the server's, in Base64 as it stands there",
    };
  }
  if (error === tsigErrors.BADTIME) {
    return {
      code: "AUTH_FAILED",
      why: "this machine's clock and the server's differ by more than five minutes",
      hint: "set the clocks (NTP) on both",
    };
  }
  return { code: "AUTH_FAILED", why: `it did not take the signature by ${name}` };
}

function explainRcode({ zone, key, isUpdate }: Asked, rcode: number): Explanation {
  switch (rcode) {
    case rcodes.REFUSED:
      return {
        code: "FORBIDDEN",
        why: isUpdate
          ? `the key ${key.name} may not change this name in ${zone}`
          : `the key ${key.name}, or this machine's address, may not ask it for ${zone}`,
        hint: "BIND: allow-update or update-policy of the zone, for the record (A, AAAA) and its mark (TXT); Knot: an acl with action: update that lists the key",
      };
    case rcodes.NOTAUTH:
    case rcodes.NOTZONE:
      return {
        code: "NOT_FOUND",
        why: `it is not the primary server of a zone ${zone}`,
        hint: "give the zone's primary (the first name in its SOA record) as the server, and the zone's own name as the zone",
      };
    case rcodes.NOTIMP:
      return {
        code: "REQUEST_REFUSED",
        why: isUpdate ? "it does not take dynamic updates" : "it does not know this kind of query",
        hint: "give a server that takes updates of RFC 2136, such as BIND or Knot, and is the zone's primary",
      };
    case rcodes.FORMERR:
      return { code: "REQUEST_REFUSED", why: "it did not understand the message" };
    case rcodes.SERVFAIL:
      return { code: "SERVICE_FAILED", why: "it failed", hint: "its log says why; can it write its zone?" };
    case rcodes.YXDOMAIN:
    case rcodes.YXRRSET:
    case rcodes.NXRRSET:
    case rcodes.NXDOMAIN:
      return { code: "CONFLICT", why: "the records were not as they had been read" };
    default:
      return { code: "SERVICE_ANSWER", why: "that is no answer to this" };
  }
}

/** No answer, or none that can be trusted. */
export function silence(asked: Asked, reason: string, cause: unknown): MulticloudError {
  return new MulticloudError(`no answer from ${asked.server} while ${asked.doing}: ${reason}`, {
    code: "SERVICE_UNREACHABLE",
    service: "rfc2136",
    hint: `check that ${asked.server} takes DNS over TCP from here`,
    cause,
  });
}

/** An answer that breaks the protocol, or that nobody with the key has made. */
export function badAnswer(asked: Asked, why: string, cause?: unknown): MulticloudError {
  return new MulticloudError(`the answer of ${asked.server} while ${asked.doing} was thrown away: ${why}`, {
    code: "SERVICE_ANSWER",
    service: "rfc2136",
    ...(cause === undefined ? {} : { cause }),
  });
}
