/** The device of a command, chosen before anything else runs. */
import type { Device } from '../config/device.ts';
import type { NativeDevice } from '../native/binding.ts';
import { chooseDevice } from '../native/device.ts';
import { note } from './output.ts';

/** As `chooseDevice`, with its note on stderr. */
export function announceDevice(wanted: Device): NativeDevice {
  const { device, note: text } = chooseDevice(wanted);
  if (text !== null) note(text);
  return device;
}
