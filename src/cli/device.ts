/** The device of a command, chosen before anything else runs. */
import type { Device } from '../config/device.ts';
import { deviceOfRank, type Rank } from '../distributed.ts';
import type { NativeDevice } from '../native/binding.ts';
import { note } from './output.ts';

/** As `deviceOfRank`, with its note on stderr. */
export function announceDevice(wanted: Device, rank: Rank | null = null): NativeDevice {
  const { device, note: text } = deviceOfRank(wanted, rank);
  if (text !== null) note(text);
  return device;
}
