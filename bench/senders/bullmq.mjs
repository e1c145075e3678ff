// BullMQ's own limiter: one worker process, 18 jobs at a time, as many jobs as the run can use.
// node bullmq.mjs REDIS_PORT PROVIDER_URL WINDOW_S JOBS
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(process.env.BENCH_NODE_MODULES + '/');
const { Queue, Worker } = require('bullmq');

const [port, provider, windowS, jobs] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue('bench', { connection });
for (let at = 0; at < Number(jobs); at += 500) {
  await queue.addBulk(Array.from({ length: 500 }, (_, n) => ({ name: 'post', data: { n: at + n } })));
}
const agent = new http.Agent({ keepAlive: true });
const limiter = Number(windowS) > 0 ? { max: 200, duration: Number(windowS) * 1000 } : undefined;
const post = (job) => new Promise((resolve, reject) => {
  const body = `From=%2B9198${job.data.n}&To=%2B9190${job.data.n}&CallerId=%2B918045678900`;
  const request = http.request(`${provider}/v1/Accounts/demo/Calls/connect.json`, {
    method: 'POST', agent,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': body.length },
  }, (answer) => { answer.resume(); answer.on('end', resolve); });
  request.on('error', reject);
  request.end(body);
});
new Worker('bench', post, { connection, concurrency: 18, limiter });
