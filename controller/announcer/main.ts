import { createAnnouncerHost } from './announcerHost.ts';
import { createAnnouncerParts } from './announcerParts.ts';
import { readFolderArgument } from './folderArgument.ts';
import { runAnnouncer } from './runAnnouncer.ts';

runAnnouncer({
  folder: readFolderArgument(process.argv),
  createHost: (settings, tools) => createAnnouncerHost({ settings, ...tools, createParts: createAnnouncerParts }),
});
