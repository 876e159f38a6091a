// What every program of a department needs: a channel, a machine client's token renewed before it ends, calls repeated where that
// may help, and a subscription that goes on where it stood.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import type { ProtoGrpcType as DrawsTypes } from "./generated/draws.js";
import type { ErrorInfo__Output } from "./generated/google/rpc/ErrorInfo.js";
import type { RetryInfo__Output } from "./generated/google/rpc/RetryInfo.js";
import type { Status__Output } from "./generated/google/rpc/Status.js";
import type { ProtoGrpcType as IdentityTypes } from "./generated/identity.js";
import type { ProtoGrpcType as PortalTypes } from "./generated/portal.js";
import type { IdentityClient } from "./generated/qingtian/identity/v1/Identity.js";
import type { AccessToken__Output } from "./generated/qingtian/identity/v1/AccessToken.js";
import type { Event__Output } from "./generated/qingtian/events/v1/Event.js";
import type { ReadEventsRequest } from "./generated/qingtian/events/v1/ReadEventsRequest.js";
import type { ReadEventsResponse__Output } from "./generated/qingtian/events/v1/ReadEventsResponse.js";
import type { ProtoGrpcType as RegistersTypes } from "./generated/registers.js";

export const DEADLINE_MS = 300_000;
/** Tokens live five minutes; a new one is asked for this long before the end. */
const REFRESH_BEFORE_MS = 60_000;
const ATTEMPTS_MAX = 6;
const WAIT_MS_MAX = 10_000;

/** The folder that holds the proto files: the contract's archive, or the repository. */
export function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "proto", "qingtian"))) {
    if (dirname(folder) === folder) throw new Error("the proto files are in no folder above this one");
    folder = dirname(folder);
  }
  return folder;
}

const definition = loadSync(
  ["identity/v1/identity", "draws/v1/registers", "draws/v1/draws", "portal/v1/portal"]
    .map((file) => `qingtian/${file}.proto`)
    .concat("google/rpc/error_details.proto", "google/rpc/status.proto"),
  { includeDirs: [join(root(), "proto")], longs: String, enums: String, defaults: true, oneofs: true },
);

/** The services of the contract, each a client to be made with an address and credentials. */
export const { qingtian } = grpc.loadPackageDefinition(definition) as unknown as IdentityTypes & RegistersTypes & DrawsTypes & PortalTypes;

function decoded<T>(message: string, bytes: Buffer): T {
  return (definition[message] as MessageTypeDefinition<unknown, unknown>).deserialize(bytes) as T;
}

/** A message of any kind, as proto-loader hands out `google.protobuf.Any`. */
export interface Packed {
  readonly type_url: string;
  readonly value: Buffer;
}

/** The details of a refusal: its reason with the article, and when to come again. */
export function details(error: unknown): { info?: ErrorInfo__Output; retry?: RetryInfo__Output } {
  const found: { info?: ErrorInfo__Output; retry?: RetryInfo__Output } = {};
  for (const bytes of isRefusal(error) ? error.metadata.get("grpc-status-details-bin") : []) {
    for (const { type_url: url, value } of decoded<Status__Output>("google.rpc.Status", bytes as Buffer).details as unknown as Packed[]) {
      const message = url.slice(url.lastIndexOf("/") + 1);
      if (message === "google.rpc.ErrorInfo") found.info = decoded(message, value);
      if (message === "google.rpc.RetryInfo") found.retry = decoded(message, value);
    }
  }
  return found;
}

export function isRefusal(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && "code" in error && "metadata" in error;
}

/**
 * Milliseconds to wait before the next attempt; none when another one would not help. What the server asks for (RetryInfo) is obeyed;
 * without it the pause doubles from 0.1 s, less a random part, so that clients cut off together do not come back together.
 */
function waitAfter(error: unknown, attempt: number): number | undefined {
  if (!isRefusal(error) || attempt + 1 >= ATTEMPTS_MAX) return undefined;
  if (error.code !== grpc.status.UNAVAILABLE && error.code !== grpc.status.RESOURCE_EXHAUSTED) return undefined;
  const asked = details(error).retry?.retryDelay;
  if (asked) {
    const wait = Number(asked.seconds) * 1_000 + asked.nanos / 1e6;
    return wait <= WAIT_MS_MAX ? wait : undefined;
  }
  return (0.5 + Math.random() / 2) * Math.min(WAIT_MS_MAX, 100 * 2 ** attempt);
}

/** Calls again where that may help. Only for what may be repeated: reads, changes with a requestId, uploads of rows. */
export async function withRetry<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const wait = waitAfter(error, attempt);
      if (wait === undefined) throw error;
      await pause(wait);
    }
  }
}

/** A unary call as a promise. */
export function unary<Request, Answer>(
  method: (request: Request, metadata: grpc.Metadata, options: grpc.CallOptions, done: grpc.requestCallback<Answer>) => unknown,
  request: Request,
  metadata = new grpc.Metadata(),
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    method(request, metadata, { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
      error ? reject(error) : resolve(answer as Answer),
    );
  });
}

/** TLS checked against these authorities, or the system's; without TLS only for a Qingtian on this very machine. */
export function credentials(ca: string | undefined, plaintext: boolean): grpc.ChannelCredentials {
  if (plaintext) return grpc.credentials.createInsecure();
  return grpc.credentials.createSsl(ca === undefined ? null : readFileSync(ca));
}

/** A machine client's token, renewed before it ends. */
export class Session {
  private token: AccessToken__Output | undefined;
  /** How many were issued. */
  issued = 0;

  constructor(
    private readonly identity: IdentityClient,
    private readonly client: string,
    private readonly secret: string,
  ) {}

  /** Metadata of a call made now. */
  async bearer(): Promise<grpc.Metadata> {
    if (this.token === undefined || Date.now() > Number(this.token.expireTime?.seconds) * 1_000 - REFRESH_BEFORE_MS) {
      const request = { client: this.client, secret: this.secret };
      this.token = await withRetry(() => unary<typeof request, AccessToken__Output>(this.identity.issueToken.bind(this.identity), request));
      this.issued += 1;
    }
    const metadata = new grpc.Metadata();
    metadata.set("authorization", `Bearer ${this.token.token}`);
    return metadata;
  }

  /** The next call asks for a new token: this one was refused. */
  forget(): void {
    this.token = undefined;
  }
}

/** A step of a log: an event, or none when there is nothing new at the moment; and where to go on from. */
export interface Step {
  readonly event: Event__Output | null;
  readonly position: string;
  readonly hash: string;
}

/** Events of a part's log, in order, each once. The stream ends with its token and is opened again from where it stood. */
export async function* follow(
  readEvents: (request: ReadEventsRequest, metadata: grpc.Metadata) => grpc.ClientReadableStream<ReadEventsResponse__Output>,
  session: Session,
  from: Pick<Step, "position" | "hash"> = { position: "0", hash: "" },
): AsyncGenerator<Step> {
  let { position, hash } = from;
  for (let attempt = 0; ; ) {
    const stream = readEvents({ after: position, afterHash: hash, follow: true }, await session.bearer());
    try {
      for await (const step of stream as AsyncIterable<ReadEventsResponse__Output>) {
        ({ position, hash } = step);
        attempt = 0;
        yield { event: step.event, position, hash };
      }
    } catch (error) {
      if (isRefusal(error) && error.code === grpc.status.UNAUTHENTICATED && attempt === 0) {
        session.forget();
      } else {
        const wait = waitAfter(error, attempt);
        // DATA_LOSS among others: the log is another one, as after a restore; begin again from zero.
        if (wait === undefined) throw error;
        await pause(wait);
      }
      attempt += 1;
    } finally {
      stream.cancel();
    }
  }
}
