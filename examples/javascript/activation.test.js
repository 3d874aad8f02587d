// Tests of a client against a running mock. Each test has a sandbox of its own, so that they run in parallel, and so that the
// requests of one that failed are still there: `mockserver requests --sandbox NAME`, or the console at /sandbox/NAME/.
const axios = require('axios');
const { client } = require('./client');

const BATCH = '7e4b85e27c4610824900af48f340394d';
const mock = process.env.MOCK_URL ?? 'http://127.0.0.1:8080';
const run = process.env.RUN ?? 'jest'; // on a shared server a name of its own, such as the number of the build
let admin;
let provider;

beforeEach(async () => {
  const sandbox = `${run}-${expect.getState().currentTestName}`.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 64);
  const url = `${mock}/sandbox/${sandbox}`;
  admin = axios.create({ baseURL: `${url}/__admin`, validateStatus: () => true });
  provider = client(url);
  await admin.post('/reset'); // what an earlier run left
});

/** Fails with what the mock has to say: what was expected, what was got, and the nearest misses. */
async function verify(claim) {
  const { status, data } = await admin.post('/verify', claim);
  if (status !== 200) throw new Error(data.text ?? data.detail);
}

test('a card is activated', async () => {
  expect(await provider.activate('CARD-001', '12345678', BATCH)).toMatch(/^card_/);
});

test('by value: a card that is activated already is an error', async () => {
  await expect(provider.activate('TEST-ACTIVATED', 'TEST-CUSTOMER', BATCH)).rejects.toThrow('4433');
});

test('armed: the provider cannot be reached', async () => {
  await admin.post('/arm', { scenario: 'provider-communication' });
  await expect(provider.activate('CARD-001', '12345678', BATCH)).rejects.toThrow('5001: Wrong parameters');
});

test('a lost answer is no lost card', async () => {
  await admin.post('/arm', { fault: 'reset', commit: true });
  expect(await provider.activate('CARD-001', '12345678', BATCH)).toBeNull();
  await verify({ when: { 'body.card_identifier': 'CARD-001' }, count: { exactly: 2 } });
  await verify({ armed: 'used' });
});

test('a verification that does not hold says why', async () => {
  await provider.activate('CARD-001', '12345678', BATCH);
  const claim = { when: { 'body.card_identifier': 'CARD-002' } };
  await expect(verify(claim)).rejects.toThrow(/body.card_identifier: expected "CARD-002"\s+got\s+"CARD-001"/);
});

afterAll(async () => {
  // What the tests of this run have met, over all workers.
  const { data } = await admin.get('/coverage', { params: { sandbox_prefix: `${run}-` } });
  process.stdout.write(`documented outcomes met: ${data.documented.met} of ${data.documented.of}\n`);
});
