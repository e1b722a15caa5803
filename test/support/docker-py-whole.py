"""docker-py's whole interface to containers, volumes and networks: `docker-py-whole.py HOST`. Each call with its effect."""
import docker, io, sys, tarfile, threading
client = docker.DockerClient(base_url=sys.argv[1])
c = client.containers.create("busybox", ["sleep", "1000"], name="py", tty=True, stdin_open=True, hostname="pyhost",
  cap_add=["NET_ADMIN"], cap_drop=["MKNOD"], cpu_shares=512, cpuset_cpus="0", dns=["10.1.1.1"], domainname="example.org",
  environment={"A": "1"}, extra_hosts={"extra": "10.1.1.2"}, group_add=["5"], init=True, ipc_mode="private",
  labels=["l"], log_config=docker.types.LogConfig(type="json-file", config={"max-size": "1m"}), mem_limit="64m",
  memswap_limit="128m", mem_reservation="32m", mounts=[docker.types.Mount("/mnt", "pyvol")], nano_cpus=500000000,
  network_mode="bridge", oom_score_adj=10, pids_limit=50, ports={"80/tcp": None}, read_only=True, restart_policy={"Name": "no"},
  security_opt=["no-new-privileges"], shm_size="2m", stop_signal="SIGKILL", sysctls={"net.ipv4.ip_forward": "0"},
  tmpfs={"/tmp": "size=1m", "/run": ""}, ulimits=[docker.types.Ulimit(name="nofile", soft=100, hard=200)], user="root", working_dir="/tmp")
assert c.status == "created"
c.start()
def sh(line): return c.exec_run(["sh", "-c", line]).output.decode().strip()
seen = sh("hostname; pwd; echo $A; id -G; ulimit -n; touch /x 2>/dev/null || echo ro; cat /proc/sys/net/ipv4/ip_forward")
assert seen == "pyhost\n/tmp\n1\n0 5\n100\nro\n0", seen
assert "extra" in sh("cat /etc/hosts") and "10.1.1.1" in sh("cat /etc/resolv.conf")
c.resize(20, 60)
c.rename("pyrenamed"); c.reload(); assert c.name == "pyrenamed"
c.pause(); c.reload(); assert c.status == "paused"; c.unpause()
c.update(mem_limit="32m", memswap_limit="32m"); c.reload(); assert c.attrs["HostConfig"]["Memory"] == 32 << 20
assert "sleep 1000" in " ".join(c.top()["Processes"][-1])
assert c.stats(stream=False)["pids_stats"]["current"] >= 1
for s in c.stats(decode=True): assert s["name"] == "/pyrenamed"; break
data = io.BytesIO()
with tarfile.open(fileobj=data, mode="w") as t:
  info = tarfile.TarInfo("put"); info.size = 4; t.addfile(info, io.BytesIO(b"put\n"))
assert c.put_archive("/mnt", data.getvalue())
bits, stat = c.get_archive("/mnt/put")
assert stat["name"] == "put" and stat["size"] == 4, stat
with tarfile.open(fileobj=io.BytesIO(b"".join(bits))) as t: assert t.extractfile("put").read() == b"put\n"
c.kill(); assert c.wait()["StatusCode"] == 137
c.restart(timeout=0); c.stop(timeout=0); c.start(); c.stop(timeout=0)
c.remove(v=True)
client.volumes.get("pyvol").remove()

c = client.containers.run("busybox", ["sh", "-c", "echo made > /made; echo out; echo err >&2"], detach=True, name="pytwo")
assert c.wait(condition="not-running")["StatusCode"] == 0
assert sorted(c.logs(stdout=True, stderr=True, timestamps=False).split()) == [b"err", b"out"]
assert c.logs(stderr=False) == b"out\n" and c.logs(since=10**10) == b""
assert {"Path": "/made", "Kind": 1} in c.diff()
with tarfile.open(fileobj=io.BytesIO(b"".join(c.export()))) as t: assert t.extractfile("made").read() == b"made\n"
image = c.commit("pycommit", tag="one", message="m", author="a", changes=["CMD cat /made"])
assert client.containers.run("pycommit:one", remove=True) == b"made\n"
image.reload(); assert image.attrs["Author"] == "a"
assert [x.name for x in client.containers.list(all=True, filters={"exited": 0, "name": "pytwo"})] == ["pytwo"]
assert [x.name for x in client.containers.list(all=True, since="pytwo")] == [] and len(client.containers.list(limit=1)) == 1
assert c.id in client.containers.prune()["ContainersDeleted"]
client.images.remove("pycommit:one")

got = []
c = client.containers.create("busybox", ["sh", "-c", "echo attached; exit 2"])
t = threading.Thread(target=lambda: got.extend(c.attach(stream=True, logs=True)))
t.start()
c.start()
assert c.wait()["StatusCode"] == 2
t.join()
assert b"".join(got) == b"attached\n", got
c.remove()

n = client.networks.create("pynet", driver="bridge", labels={"a": "b"}, ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet="10.66.0.0/24", gateway="10.66.0.1")]))
c = client.containers.run("busybox", ["sleep", "1000"], detach=True)
n.connect(c, aliases=["alias"], ipv4_address="10.66.0.66"); n.reload()
assert [x.id for x in n.containers] == [c.id]
c.reload(); assert c.attrs["NetworkSettings"]["Networks"]["pynet"]["IPAddress"] == "10.66.0.66"
n.disconnect(c); c.remove(force=True)
assert [x.name for x in client.networks.list(names=["pynet"])] == ["pynet"]
n.remove(); client.networks.prune()
v = client.volumes.create("pyv", labels={"k": "v"})
assert [x.name for x in client.volumes.list(filters={"label": "k=v"})] == ["pyv"]
v.remove(force=True); client.volumes.prune()
assert client.df()["Containers"] is not None
print("done")
