// A control panel's back end around a cluster: start a run, follow it in the browser, stop it. What core gives is all
// it takes: a run is started by a call, followed by iterating it (each follower gets all events from the first on),
// and ended by a signal.
import { createServer, type Server, type ServerResponse } from "node:http";
import { type Multicloud, MulticloudError, type Run } from "@multicloud/core";

const verbs = ["plan", "up", "status", "destroy"] as const;
type Verb = (typeof verbs)[number];

interface Job {
  readonly verb: Verb;
  readonly run: Run<unknown>;
  readonly stop: AbortController;
  ended: boolean;
}

/**
 * `POST /runs/<verb>` starts a run, `GET /events` follows it as server-sent events (WHATWG HTML §9.2), `DELETE /run`
 * stops it. One run at a time.
 */
export function panel(cluster: Multicloud): Server {
  let job: Job | undefined;

  function start(verb: Verb): Job {
    const stop = new AbortController();
    const run: Run<unknown> = cluster[verb]({ signal: stop.signal });
    const started: Job = { verb, run, stop, ended: false };
    void run
      .catch(() => {})
      .finally(() => {
        started.ended = true;
      });
    return started;
  }

  async function follow({ run }: Job, response: ServerResponse): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const send = (event: string, data: unknown) =>
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    for await (const event of run) {
      if (response.destroyed) return;
      send(event.type, event);
    }
    // Errors of the SDK are made to be shown: stable code, site, node, and what to try; no secrets.
    const outcome = await run.then(
      (result) => ({ ok: true, result }),
      (error: unknown) => ({ ok: false, error: MulticloudError.isInstance(error) ? error : String(error) }),
    );
    send("outcome", outcome);
    response.end();
  }

  return createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const [, path = "", verb = ""] = (request.url ?? "").split("/");
    if (request.method === "POST" && path === "runs" && verbs.some((one) => one === verb)) {
      if (job && !job.ended) return answer(409, { error: `${job.verb} is still running` });
      job = start(verb as Verb);
      return answer(202, { verb });
    }
    if (request.method === "GET" && path === "events" && job) return void follow(job, response);
    if (request.method === "DELETE" && path === "run" && job) {
      job.stop.abort(new Error("stopped in the panel"));
      return answer(202, { verb: job.verb });
    }
    answer(404, { error: "POST /runs/<plan|up|status|destroy>, GET /events, DELETE /run" });
  });
}
