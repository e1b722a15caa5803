/** Requests that must be refused, each with the status and the words of dockerd. */
export interface BadRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** Of `running`, `created` and `ended` each is the name of a container in that state. */
  path: string;
  /** An object goes as JSON, a text as it is. */
  body?: object | string;
  contentType?: string;
  status: number;
  message: RegExp;
}

const get = (path: string, status: number, message: RegExp): BadRequest => ({ method: 'GET', path, status, message });
const post = (path: string, status: number, message: RegExp): BadRequest => ({ method: 'POST', path, status, message });
const del = (path: string, status: number, message: RegExp): BadRequest => ({
  method: 'DELETE',
  path,
  status,
  message,
});

const filters = (value: unknown) => `filters=${encodeURIComponent(JSON.stringify(value))}`;

const unknownNames: BadRequest[] = [
  get('/containers/nobody/json', 404, /^No such container: nobody$/),
  get('/containers/nobody/logs?stdout=1', 404, /^No such container: nobody$/),
  post('/containers/nobody/start', 404, /^No such container: nobody$/),
  post('/containers/nobody/stop', 404, /^No such container: nobody$/),
  post('/containers/nobody/restart', 404, /^No such container: nobody$/),
  post('/containers/nobody/kill', 404, /^No such container: nobody$/),
  post('/containers/nobody/wait', 404, /^No such container: nobody$/),
  post('/containers/nobody/attach?stream=1&stdout=1', 404, /^No such container: nobody$/),
  post('/containers/nobody/resize?h=1&w=1', 404, /^No such container: nobody$/),
  del('/containers/nobody', 404, /^No such container: nobody$/),
  del('/containers/nobody?force=1', 404, /^No such container: nobody$/),
  get('/images/nothing/json', 404, /^No such image: nothing:latest$/),
  get('/images/nothing/history', 404, /^No such image: nothing:latest$/),
  post('/images/nothing/tag?repo=x&tag=y', 404, /^No such image: nothing:latest$/),
  del('/images/nothing:1', 404, /^No such image: nothing:1$/),
  get('/images/sha256:00/json', 404, /^No such image: sha256:00$/),
  get('/volumes/nothing', 404, /^get nothing: no such volume$/),
  del('/volumes/nothing', 404, /^get nothing: no such volume$/),
  get('/networks/nothing', 404, /^network nothing not found$/),
  get('/no/such/page', 404, /^page not found$/),
];

const wrongState: BadRequest[] = [
  post('/containers/created/kill', 409, /^[Cc]annot kill container: created: [Cc]ontainer [0-9a-f]{64} is not running/),
  post('/containers/ended/kill', 409, /is not running/),
  post('/containers/ended/resize?h=1&w=1', 409, /not running|stopped/),
  del('/containers/running', 409, /container is running: stop the container before removing or force remove/),
  post('/containers/running/start', 304, /^$/),
  post('/containers/ended/stop', 304, /^$/),
  del(
    '/images/busybox',
    409,
    /^conflict: unable to remove repository reference "busybox" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}/,
  ),
];

const badQueries: BadRequest[] = [
  get('/containers/json?filters={', 400, /^invalid filter/),
  get(`/containers/json?${filters({ colour: ['red'] })}`, 400, /^invalid filter 'colour'/),
  get(`/containers/json?${filters({ status: ['asleep'] })}`, 400, /^invalid filter 'status=asleep'/),
  get(`/containers/json?${filters({ exited: ['x'] })}`, 400, /invalid/),
  get(`/containers/json?${filters({ since: ['nobody'] })}`, 404, /^No such container: nobody$/),
  get('/containers/json?limit=many', 400, /many/),
  get(`/images/json?${filters({ colour: ['red'] })}`, 400, /^invalid filter 'colour'/),
  get(`/images/json?${filters({ dangling: ['maybe'] })}`, 400, /^invalid filter 'dangling=\[?maybe\]?'/),
  get(`/volumes?${filters({ colour: ['red'] })}`, 400, /^invalid filter 'colour'/),
  get(`/networks?${filters({ colour: ['red'] })}`, 400, /^invalid filter 'colour'/),
  get(`/events?until=1&${filters({ colour: ['red'] })}`, 400, /^invalid filter 'colour'/),
  get('/events?since=yesterday', 400, /yesterday/),
  get('/containers/ended/logs', 400, /^Bad parameters: you must choose at least one stream/),
  get('/containers/ended/logs?stdout=1&since=yesterday', 400, /yesterday/),
  post('/containers/running/kill?signal=NOISE', 400, /[Ii]nvalid signal: NOISE/),
  post('/containers/running/stop?signal=NOISE', 400, /[Ii]nvalid signal: NOISE/),
  post('/containers/running/stop?t=soon', 400, /soon/),
  post('/containers/running/resize?h=tall&w=1', 400, /tall/),
  post('/containers/running/wait?condition=bored', 400, /^invalid condition: "bored"/),
  post(
    '/images/busybox/tag?repo=UPPER&tag=x',
    400,
    /^invalid reference format: repository name \((library\/)?UPPER\) must be lowercase/,
  ),
  post('/images/busybox/tag?repo=fine&tag=not%20fine', 400, /^invalid (tag|reference) format/),
  post(`/images/busybox/tag?repo=${'0'.repeat(64)}`, 400, /cannot specify 64-byte hexadecimal strings/),
  get('/images/UPPER/json', 400, /^invalid reference format: repository name \((library\/)?UPPER\) must be lowercase/),
  get('/v1.99/info', 400, /^client version 1\.99 is too new\. Maximum supported API version is 1\.\d+/),
  get('/v1.1/info', 400, /^client version 1\.1 is too old\. Minimum supported API version is 1\.\d+/),
];

export const badRequests: readonly BadRequest[] = [...unknownNames, ...wrongState, ...badQueries];

/** Bodies of `POST /containers/create` that must be refused. */
export interface BadCreate {
  what: string;
  /** Beside `Image: busybox`. */
  body: object;
  query?: string;
  status: number;
  message: RegExp;
}

const host = (what: string, hostConfig: object, message: RegExp): BadCreate => ({
  what,
  body: { HostConfig: hostConfig },
  status: 400,
  message,
});

export const badCreates: readonly BadCreate[] = [
  { what: 'unknown image', body: { Image: 'nothing' }, status: 404, message: /^No such image: nothing:latest/ },
  { what: 'impossible image name', body: { Image: 'No Name' }, status: 400, message: /^invalid reference format/ },
  {
    what: 'name in use',
    body: {},
    query: '?name=running',
    status: 409,
    message:
      /^Conflict\. The container name "\/running" is already in use by container "?[0-9a-f]{64}"?\. You have to remove \(or rename\) that container to be able to reuse that name/,
  },
  {
    what: 'name of one character',
    body: {},
    query: '?name=x',
    status: 400,
    message: /^Invalid container name \(x\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/,
  },
  { what: 'name with a slash', body: {}, query: '?name=a/b', status: 400, message: /^Invalid container name \(a\/b\)/ },
  { what: 'wrong type', body: { Cmd: 5 }, status: 400, message: /Cmd|string/ },
  { what: 'wrong type deep inside', body: { HostConfig: { Memory: 'much' } }, status: 400, message: /Memory/ },
  {
    what: 'relative working directory',
    body: { WorkingDir: 'tmp' },
    status: 400,
    message: /the working directory 'tmp' is invalid, it needs to be an absolute path/,
  },
  { what: 'unknown stop signal', body: { StopSignal: 'NOISE' }, status: 400, message: /[Ii]nvalid signal: NOISE/ },
  { what: 'impossible exposed port', body: { ExposedPorts: { '99999/tcp': {} } }, status: 400, message: /99999/ },
  { what: 'impossible variable', body: { Env: ['=x'] }, status: 400, message: /invalid environment variable: =x/ },
  host('too little memory', { Memory: 1024 }, /Minimum memory limit allowed is 6MB/),
  host(
    'swap below memory',
    { Memory: 64 << 20, MemorySwap: 32 << 20 },
    /Minimum memoryswap limit should be larger than memory limit/,
  ),
  host('more processors than there are', { NanoCpus: 1e15 }, /Range of CPUs is from 0\.01 to /),
  host('processors nobody has', { CpusetCpus: '400-500' }, /Requested CPUs are not available/),
  host('unknown runtime', { Runtime: 'nothing' }, /unknown or invalid runtime name: nothing/),
  host('unknown log driver', { LogConfig: { Type: 'carrier-pigeon' } }, /carrier-pigeon/),
  host(
    'unknown log option',
    { LogConfig: { Type: 'json-file', Config: { colour: 'red' } } },
    /unknown log opt 'colour' for json-file log driver/,
  ),
  host('unknown network', { NetworkMode: 'nothing' }, /^network nothing not found/),
  host('network of an unknown container', { NetworkMode: 'container:nobody' }, /^No such container: nobody/),
  host(
    'unknown restart policy',
    { RestartPolicy: { Name: 'sometimes' } },
    /invalid restart policy: (unknown policy 'sometimes'|sometimes)/,
  ),
  host(
    'restart policy with removal',
    { AutoRemove: true, RestartPolicy: { Name: 'always' } },
    /can't create 'AutoRemove' container with restart policy/,
  ),
  host('unknown capability', { CapAdd: ['FLYING'] }, /^invalid CapAdd: unknown capability: "CAP_FLYING"/),
  host('unknown ipc mode', { IpcMode: 'loud' }, /[Ii]nvalid IPC mode: loud/),
  host('unknown pid mode', { PidMode: 'loud' }, /[Ii]nvalid PID mode: loud|invalid PID mode: loud/),
  host('bind without target', { Binds: ['/tmp:'] }, /invalid (volume|mount|spec)/),
  host(
    'bind to a relative path',
    { Binds: ['/tmp:tmp'] },
    /invalid mount path: 'tmp' mount path must be absolute|must be absolute/,
  ),
  host('bind over the root', { Binds: ['/tmp:/'] }, /destination can't be '\/'/),
  host('bind with an unknown mode', { Binds: ['/tmp:/tmp:loud'] }, /invalid mode: loud/),
  host('two mounts at one place', { Binds: ['/tmp:/x', '/var:/x'] }, /Duplicate mount point: \/x/),
  host(
    'bind of what is not there',
    { Mounts: [{ Type: 'bind', Source: '/no/such/path', Target: '/x' }] },
    /bind source path does not exist: \/no\/such\/path/,
  ),
  host(
    'unknown kind of mount',
    { Mounts: [{ Type: 'loud', Target: '/x' }] },
    /^invalid mount config for type "loud": mount type unknown/,
  ),
  host('impossible volume name', { Binds: ['-x:/x'] }, /"-x" includes invalid characters for a local volume name/),
  host(
    'unknown volume driver',
    { Mounts: [{ Type: 'volume', Source: 'vol', Target: '/x', VolumeOptions: { DriverConfig: { Name: 'nothing' } } }] },
    /plugin "nothing" not found/,
  ),
  host('impossible tmpfs option', { Tmpfs: { '/x': 'colour=red' } }, /[Ii]nvalid tmpfs option|colour/),
  host('impossible published port', { PortBindings: { '80/tcp': [{ HostPort: '99999' }] } }, /99999/),
  host('impossible address', { PortBindings: { '80/tcp': [{ HostIp: 'loud', HostPort: '80' }] } }, /loud/),
  host('impossible host', { ExtraHosts: ['nohost'] }, /bad format for add-host: "nohost"|invalid/),
  host(
    'device without path',
    { Devices: [{ PathOnHost: '/dev/nothing', PathInContainer: '/dev/x', CgroupPermissions: 'loud' }] },
    /loud/,
  ),
  host('unknown security option', { SecurityOpt: ['loud=1'] }, /invalid --security-opt 2?: "loud=1"/),
];
