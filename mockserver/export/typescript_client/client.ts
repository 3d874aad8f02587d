/** Conditions as in a scenario file: a path such as body.id, and the value that it has to have. */
export type Conditions = { [path: string]: unknown };

/** How long an answer takes: milliseconds, a text such as "1.5s", or a distribution. */
export type Delay =
  | number
  | string
  | { uniform: [from: number | string, to: number | string] }
  | { lognormal: { median: number | string; sigma: number; cap: number | string } };

/** Which requests get the armed outcome, and how many of them: one by default. */
export interface Arming {
  times?: number | "always";
  when?: Conditions;
  /** Needed where the contract has several operations with this outcome. */
  operation?: string;
  delay?: Delay;
}

/** How a fault behaves. With `commit` the request takes effect, and only its answer is lost. */
export interface FaultArming extends Arming {
  commit?: boolean;
  seconds?: number;
  status?: number;
  retry_after?: number;
  html?: boolean;
}

/** An armed outcome. */
export interface Armed {
  id: number;
  operation: string;
  left: number | "always";
  used: number;
  [name: string]: unknown;
}

/** A claim about the received requests: at least one by default. */
export interface Claim {
  scenario?: Outcome | `code=${string}`;
  when?: Conditions;
  operation?: string;
  exactly?: number;
  atLeast?: number;
  atMost?: number;
}

/** Filters of the journal. */
export interface Filters {
  scenario?: Outcome | `code=${string}`;
  source?: "documented" | "assumed";
  trigger?: "values" | "state" | "header" | "armed" | "default";
  since?: string;
  trace?: string;
  text?: string;
  limit?: number;
  before?: string;
  /** Of every sandbox, or of those whose names begin so. */
  all?: boolean;
  sandbox_prefix?: string;
}

/** A received request, in short. */
export interface RecordedRequest {
  id: string;
  time: string;
  sandbox: string;
  method: string;
  target: string;
  status: number;
  /** Code and first text of the error in the answer. */
  code: number | string | null;
  hint: string | null;
  scenario: string | null;
  source: "documented" | "assumed" | null;
  trigger: Filters["trigger"] | null;
  /** Why the mock refused the request. */
  problem: string | null;
  /** How the answer of a real provider compares with the contract, where `mockserver record` passed it on. */
  recorded: "same" | "differs" | "unknown" | null;
  trace: string | null;
  fault: FaultKind | null;
  /** Why the provider did not answer, in whose place the mock did. */
  fallback: string | null;
  /** Whether the client did not get the answer of the contract: it left, or a fault took the answer. */
  answer_lost: boolean;
  /** Whether the changes of the request were kept. */
  committed: boolean;
  /** The id of the request that wrote the record on which the answer rests. */
  cause: string | null;
  delay_ms: number;
  /** Whether the client left before the full answer was sent. */
  client_left: boolean;
  micros: number;
  /** A problem, an assumed answer, or one that no other scenario gave. */
  unexpected: boolean;
  /** JSON Pointers to what is masked in the entry. */
  masked: string[];
  /** The keys of the records that were looked up. */
  keys: string[];
  has_warnings: boolean;
  [name: string]: unknown;
}

/** How many outcomes were met. */
export interface Share {
  met: number;
  of: number;
  percent: number;
}

/** Which outcomes were met, and how the client behaved. */
export interface Coverage {
  sandbox: string | null;
  sandbox_prefix: string | null;
  /** Whether counts of dropped sandboxes may be missing. */
  incomplete: boolean;
  contract: string;
  requests: number;
  problems: number;
  documented: Share;
  assumed: Share;
  scenarios: Array<{
    scenario: Outcome;
    operation: string;
    source: "documented" | "assumed";
    status: number;
    met: number;
    how: string;
    curl: string;
    [name: string]: unknown;
  }>;
  behaviour: { [name: string]: unknown };
}

export interface MockOptions {
  /** The sandbox, such as one for each test worker; the default one if left out. */
  sandbox?: string;
  /** The token of the admin API, if the server has one. */
  token?: string;
}

/** A refused request, or a claim that does not hold: the message says why, with the near misses. */
export class MockError extends Error {
  readonly status: number;
  readonly problem: unknown;

  constructor(message: string, status = 0, problem: unknown = null) {
    super(message);
    this.name = "MockError";
    this.status = status;
    this.problem = problem;
  }
}

declare function fetch(
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<{ status: number; text(): Promise<string> }>;

/** A sandbox of a running mock. */
export class Mock {
  /** The base URL for the client under test, with the sandbox in it. */
  readonly url: string;
  private readonly headers: Record<string, string>;

  /** `server` is the server's address, without a sandbox. */
  constructor(server: string, options: MockOptions = {}) {
    const base = server.replace(/\/+$/, "");
    this.url = options.sandbox ? `${base}/sandbox/${encodeURIComponent(options.sandbox)}` : base;
    this.headers = options.token ? { Authorization: `Bearer ${options.token}` } : {};
  }

  /** Arm an outcome, by its id or its code, for the next matching requests; it answers and changes no records. */
  async arm(scenario: Outcome | `code=${string}`, arming: Arming = {}): Promise<Armed> {
    return (await this.call("POST", "/arm", { scenario, ...arming })) as Armed;
  }

  /** Arm a fault for the next matching requests. */
  async fault(kind: FaultKind, arming: FaultArming = {}): Promise<Armed> {
    const { times, when, operation, delay, ...settings } = arming;
    return (await this.call("POST", "/arm", { fault: { kind, ...settings }, times, when, operation, delay })) as Armed;
  }

  /** Verify a claim, and give the number of matching requests; throws a MockError with the near misses if it does not hold. */
  async verify(claim: Claim = {}): Promise<number> {
    const { exactly, atLeast, atMost, ...which } = claim;
    const bounds = exactly === undefined && atLeast === undefined && atMost === undefined;
    const count = bounds ? undefined : { exactly, at_least: atLeast, at_most: atMost };
    return ((await this.call("POST", "/verify", { ...which, count })) as { came: number }).came;
  }

  /** Bring the sandbox back to its seeds; disarm everything and empty its journal. */
  async reset(): Promise<void> {
    await this.call("POST", "/reset");
  }

  /** The received requests, newest first. */
  async requests(filters: Filters = {}): Promise<RecordedRequest[]> {
    const query = Object.entries(filters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
      .join("&");
    return ((await this.call("GET", query ? `/requests?${query}` : "/requests")) as { requests: RecordedRequest[] }).requests;
  }

  /** Which outcomes were met in this sandbox; with a prefix, in all whose names begin so, before their resets too. */
  async coverage(sandboxPrefix?: string): Promise<Coverage> {
    const query = sandboxPrefix === undefined ? "" : `?sandbox_prefix=${encodeURIComponent(sandboxPrefix)}`;
    return (await this.call("GET", `/coverage${query}`)) as Coverage;
  }

  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const url = `${this.url}/__admin${path}`;
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = body === undefined ? this.headers : { ...this.headers, "Content-Type": "application/json" };
    let response: { status: number; text(): Promise<string> };
    try {
      response = await fetch(url, { method, headers, ...sent });
    } catch (error) {
      throw new MockError(`${method} ${url}: ${String(error)}; is the mock up?`);
    }
    const text = await response.text();
    let answer: { title?: string; detail?: string; text?: string };
    try {
      answer = JSON.parse(text);
    } catch {
      throw new MockError(`${method} ${url}: ${response.status}, and no JSON: ${text.slice(0, 200)}`, response.status);
    }
    if (response.status >= 400) {
      throw new MockError(answer.text ?? `${answer.title}: ${answer.detail}`, response.status, answer);
    }
    return answer;
  }
}
