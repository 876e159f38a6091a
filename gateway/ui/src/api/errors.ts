// What the server answers when it refuses: google.rpc.Status in JSON (AIP-193), turned into what a person needs to know.

/** One field the server did not accept. */
export interface FieldViolation {
  /** Path such as `plan.title`. */
  field: string;
  description: string;
}

/** A refusal or failure, as shown to a person. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** gRPC code, such as 9 for FAILED_PRECONDITION; 0 when unknown. */
    readonly code: number,
    /** Stable reason, such as `STALE`. */
    readonly reason: string,
    /** Sentence in Chinese. */
    readonly messageZh: string,
    /** Sentence in English. */
    readonly messageEn: string,
    /** Metadata of the reason, `article` apart. */
    readonly metadata: Readonly<Record<string, string>>,
    /** Article of the regulation it rests on; empty for technical refusals. */
    readonly article: string,
    readonly violations: readonly FieldViolation[],
    /** Trace id to report to the operators; empty when none was sent. */
    readonly trace: string,
  ) {
    super(messageZh);
  }

  /** Whether another try without any change may succeed. */
  get retriable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504 || this.code === 14;
  }

  /** Whether somebody else changed the record after it was read. */
  get stale(): boolean {
    return this.reason === 'STALE';
  }
}

interface Detail {
  '@type'?: string;
  reason?: string;
  metadata?: Record<string, string>;
  locale?: string;
  message?: string;
  fieldViolations?: { field?: string; description?: string }[];
}

/** Reads the body of an answer that is not 2xx. A body that is no status still gives a usable error. */
export function parseError(status: number, body: string, trace = ''): ApiError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    parsed = null;
  }
  // The status stands at the top, or under `error` as the last line of a stream.
  const outer = isRecord(parsed) ? parsed : {};
  const inner = isRecord(outer['error']) ? outer['error'] : outer;
  const details = (Array.isArray(inner['details']) ? inner['details'] : []).filter(isRecord) as Detail[];
  const of = (type: string) => details.find((detail) => detail['@type']?.endsWith(`/${type}`));
  const info = of('google.rpc.ErrorInfo');
  const english = of('google.rpc.LocalizedMessage');
  const bad = of('google.rpc.BadRequest');
  const { article = '', ...metadata } = info?.metadata ?? {};
  const message = typeof inner['message'] === 'string' ? inner['message'] : '';
  return new ApiError(
    status,
    typeof inner['code'] === 'number' ? inner['code'] : 0,
    info?.reason ?? (status === 401 ? 'NOT_SIGNED_IN' : `HTTP_${status}`),
    message || `服务器返回了无法识别的答复（HTTP ${status}）。`,
    english?.message || message || `The server gave an answer that could not be read (HTTP ${status}).`,
    metadata,
    article,
    (bad?.fieldViolations ?? []).map((violation) => ({ field: violation.field ?? '', description: violation.description ?? '' })),
    metadata['trace'] ?? metadata['traceId'] ?? trace,
  );
}

/** The error of a request that got no answer. */
export function noAnswer(): ApiError {
  return new ApiError(0, 14, 'NO_CONNECTION', '没有连上服务器，未确认是否已办理。请检查网络后重试；重试不会重复办理。',
    'The server could not be reached, and whether the act took place is unknown. Check the network and try again; trying again does nothing twice.', {}, '', [], '');
}

/** Makes an error showable whatever was thrown. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new ApiError(0, 0, 'PAGE_ERROR', `页面出现错误：${text}`, `The page failed: ${text}`, {}, '', [], '');
}

/** Whether an abandoned request is meant, which nobody needs to be told of. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
