import { createHttp, MulticloudError } from "@multicloud/core/plugin";
import { authRequest, secretsOf } from "./auth.js";
import type { OpenStackCall } from "./call.js";
import { type CatalogEntry, versionedUrl } from "./catalog.js";
import { describeLoginError } from "./errors.js";
import { type CloudSettings, type ConnectionOptions, readSettings } from "./settings.js";
import { shareRun } from "./share.js";
import { createTlsFetch } from "./tls-fetch.js";

/** Settings of a client besides where the cloud is. */
export interface SessionOptions extends ConnectionOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Base of the backoff between retries in milliseconds, default 500. */
  readonly backoffMs?: number;
}

/** A token and what came with it. */
export interface Authorization {
  readonly token: string;
  readonly projectId: string;
  readonly userId: string;
  readonly catalog: readonly CatalogEntry[];
}

/** Keeps one token for all callers. */
export interface Session {
  settings(): Promise<CloudSettings>;
  /** The token in use, or a new one when there is none or it is about to expire. */
  authorize(call: OpenStackCall): Promise<Authorization>;
  /** A token in place of one that was refused; the one in use when somebody renewed it already. */
  renew(call: OpenStackCall, refused: Authorization): Promise<Authorization>;
  /** What to send requests with; `undefined` is the global `fetch`. */
  transport(): Promise<typeof fetch | undefined>;
  /** Values that no error may show: the credentials and the tokens so far. */
  secrets(): readonly string[];
}

interface TokenBody {
  readonly token: {
    readonly expires_at: string;
    readonly issued_at: string;
    readonly project?: { readonly id: string };
    readonly user: { readonly id: string };
    readonly catalog?: readonly CatalogEntry[];
  };
}

/** Renewed this long before it expires, or at nine tenths of a shorter life. */
const renewalMarginMs = 60_000;

/** Opens a session. Nothing is read or asked before the first call. */
export function createSession(options: SessionOptions): Session {
  let loading: Promise<CloudSettings> | undefined;
  let known: CloudSettings | undefined;
  let current: { readonly authorization: Authorization; readonly renewAt: number } | undefined;
  const tokens = new Set<string>();

  function settings(): Promise<CloudSettings> {
    loading ??= readSettings(options).then(
      (read) => {
        known = read;
        return read;
      },
      (error) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  }

  let transport: Promise<typeof fetch | undefined> | undefined;
  function openTransport(): Promise<typeof fetch | undefined> {
    if (options.fetch) return Promise.resolve(options.fetch);
    transport ??= settings()
      .then(({ tls, source }) => tls && createTlsFetch(tls, source))
      .catch((error) => {
        transport = undefined;
        throw error;
      });
    return transport;
  }

  const secrets = () => [...(known ? secretsOf(known.auth) : []), ...tokens];

  const issue = shareRun(async (call: OpenStackCall): Promise<Authorization> => {
    const { auth, source, warnings } = await settings();
    const send = await openTransport();
    if (tokens.size === 0 && !options.fetch) {
      for (const message of warnings) call.report?.({ type: "log", level: "warn", message });
    }
    const body = authRequest(auth, source);
    const http = createHttp({
      service: "keystone",
      baseURL: versionedUrl(auth.authUrl, "v3"),
      requestIdHeaders: ["x-openstack-request-id"],
      secrets,
      describeError: describeLoginError(auth, source),
      ...(send ? { fetch: send } : {}),
      ...(options.backoffMs === undefined ? {} : { backoffMs: options.backoffMs }),
    });
    // A second token does no harm, so this POST may be repeated.
    const answer = await http.request<TokenBody>({
      ...call,
      method: "POST",
      path: "auth/tokens",
      body,
      idempotent: true,
    });
    const token = answer.headers.get("x-subject-token");
    const details = answer.data?.token;
    if (!token || !details?.project || !details.catalog) {
      throw new MulticloudError(`keystone gave ${token ? "a token without a project" : "no token"}`, {
        code: token ? "CONFIG_INVALID" : "SERVICE_ANSWER",
        service: "keystone",
        site: call.site,
        hint: token
          ? `${source} must name the project, by project_name or project_id`
          : `check that auth_url of ${source} is Keystone's`,
      });
    }
    tokens.add(token);
    const authorization = {
      token,
      projectId: details.project.id,
      userId: details.user.id,
      catalog: details.catalog,
    };
    // The life is taken from the answer's two times, so that a wrong clock here does not matter.
    const lifeMs = Date.parse(details.expires_at) - Date.parse(details.issued_at);
    const margin = Math.min(renewalMarginMs, lifeMs / 10);
    current = { authorization, renewAt: performance.now() + lifeMs - margin };
    return authorization;
  });

  async function authorize(call: OpenStackCall): Promise<Authorization> {
    call.signal.throwIfAborted();
    return current && performance.now() < current.renewAt ? current.authorization : issue(call);
  }

  return {
    settings,
    authorize,
    secrets,
    transport: openTransport,
    renew(call, refused) {
      if (current?.authorization === refused) current = undefined;
      return authorize(call);
    },
  };
}
