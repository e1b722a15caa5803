/** A web server inside a network namespace: `answers` maps paths to bodies, anything else is 404. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const program = `
  const answers = new Map(Object.entries(JSON.parse(process.argv[1])));
  require('node:http').createServer((request, response) => {
    const body = answers.get(request.url);
    if (body === undefined) response.writeHead(404).end('nothing here');
    else response.end(Buffer.from(body, 'base64'));
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

export interface WebServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  close(): Promise<void>;
}

export async function startWebServer(netns: string, answers: Record<string, Buffer>): Promise<WebServer> {
  const encoded = Object.entries(answers).map(([path, body]) => [path, body.toString('base64')]);
  const json = JSON.stringify(Object.fromEntries(encoded));
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', program, json], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(child.stdout!, 'data');
  return {
    url: `http://127.0.0.1:${String(port).trim()}`,
    close: async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
