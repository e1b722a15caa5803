import { updateContainer } from '#api/client/containers.ts';
import { defineCommand, print } from '../command.ts';
import { forEach } from '../each.ts';
import { CommandError } from '../errors.ts';
import { bytes, nanoDecimal, swapBytes } from '../flags/quantities.ts';
import { flag } from '../flags/types.ts';
import { int64, string, uint16 } from '../flags/values.ts';
import { parseRestartPolicy } from '../spec/policies.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: {
    'blkio-weight': flag(uint16, 'Weight of its disk access, 10 to 1000; 0 = none of its own'),
    'cpu-period': flag(int64, 'Microseconds in which --cpu-quota counts'),
    'cpu-quota': flag(int64, 'Microseconds of CPU in each period'),
    'cpu-rt-period': flag(int64, 'Microseconds in which --cpu-rt-runtime counts'),
    'cpu-rt-runtime': flag(int64, 'Microseconds of real-time CPU in each period'),
    'cpu-shares': flag(int64, 'Share of the CPUs, relative to others', { short: 'c' }),
    cpus: flag(nanoDecimal, 'Number of CPUs'),
    'cpuset-cpus': flag(string, 'CPUs to run on, such as 0-3,8'),
    'cpuset-mems': flag(string, 'Memory nodes to use, such as 0-3,8'),
    memory: flag(bytes, 'Limit of memory', { short: 'm' }),
    'memory-reservation': flag(bytes, 'Soft limit of memory'),
    'memory-swap': flag(swapBytes, 'Limit of memory and swap together; -1 = no limit of swap'),
    'pids-limit': flag(int64, 'Limit of processes; -1 = none'),
    restart: flag(string, 'When to start it again: no, on-failure[:n], always, unless-stopped'),
  },
  async run({ context, values, given, args }) {
    if (given.size === 0) throw new CommandError('you must provide one or more flags when using this command');
    const client = await context.client();
    const request = {
      BlkioWeight: values['blkio-weight'],
      CpuPeriod: values['cpu-period'],
      CpuQuota: values['cpu-quota'],
      CpuRealtimePeriod: values['cpu-rt-period'],
      CpuRealtimeRuntime: values['cpu-rt-runtime'],
      CpuShares: values['cpu-shares'],
      NanoCpus: values.cpus,
      CpusetCpus: values['cpuset-cpus'],
      CpusetMems: values['cpuset-mems'],
      Memory: values.memory,
      MemoryReservation: values['memory-reservation'],
      MemorySwap: values['memory-swap'],
      ...(given.has('pids-limit') && { PidsLimit: values['pids-limit'] }),
      RestartPolicy: parseRestartPolicy(values.restart),
    };
    const warnings: string[] = [];
    const exitCode = await forEach(context, args, async (name) => {
      warnings.push(...((await updateContainer(client, name, request)).Warnings ?? []));
      return name;
    });
    for (const warning of warnings) await print(context.stdout, `${warning}\n`);
    return exitCode;
  },
});
