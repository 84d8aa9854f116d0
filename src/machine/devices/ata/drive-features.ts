/** What SET FEATURES changes in an ATA drive (ATA8-ACS, SET FEATURES). Nothing of it changes how this drive works: it is told, and told back. */
import type { StateSink } from '../../state-sink.ts';
import { ATA_FEATURE } from './ata-registers.ts';

/** PIO mode 4 with flow control. */
const TRANSFER_MODE_DEFAULT = 0x0c;

export class DriveFeatures {
  writeCache = true;
  lookAhead = true;
  /** The value that was set last. */
  transferMode = TRANSFER_MODE_DEFAULT;

  /** Carries out a subcommand; false for one that the drive does not have. @param mode Sector Count, for the transfer mode. */
  set(subcommand: number, mode: number): boolean {
    switch (subcommand) {
      case ATA_FEATURE.enableWriteCache:
      case ATA_FEATURE.disableWriteCache:
        this.writeCache = subcommand === ATA_FEATURE.enableWriteCache;
        return true;
      case ATA_FEATURE.enableLookAhead:
      case ATA_FEATURE.disableLookAhead:
        this.lookAhead = subcommand === ATA_FEATURE.enableLookAhead;
        return true;
      case ATA_FEATURE.setTransferMode:
        if (isTransferMode(mode)) this.transferMode = mode;
        return isTransferMode(mode);
      default:
        return false;
    }
  }

  writeState(sink: StateSink): void {
    sink.value('writeCache', this.writeCache);
    sink.value('lookAhead', this.lookAhead);
    sink.value('transferMode', this.transferMode);
  }
}

/** PIO default, PIO flow control 0 to 4, multiword DMA 0 to 2, Ultra DMA 0 to 5. */
function isTransferMode(value: number): boolean {
  const [kind, mode] = [value & 0xf8, value & 7];
  if (kind === 0) return mode <= 1;
  return (kind === 0x08 && mode <= 4) || (kind === 0x20 && mode <= 2) || (kind === 0x40 && mode <= 5);
}
