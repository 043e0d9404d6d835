/** How the controller names the folder in which announcers of one node find each other: `--folder=PATH`. */
export const FOLDER_ARGUMENT = '--folder=';

/** The folder of the arguments of an announcer's command line; null: none is named. */
export function readFolderArgument(args: readonly string[]): string | null {
  return args.find((argument) => argument.startsWith(FOLDER_ARGUMENT))?.slice(FOLDER_ARGUMENT.length) ?? null;
}
