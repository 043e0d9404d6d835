import { fieldOffset } from './fieldOffset.ts';
import { parseYaml, type Parsed, type YamlDocument } from './yamlDocument.ts';
import type { DocumentText } from './documentSplit.ts';
import type { Origin } from '../../model/objectBase.ts';
import type { SourcePosition } from '../../../core/ir/problem.ts';

/**
 * One document of a manifest file as it stands now. Keeps the text only: the syntax tree, many times its size, is made
 * again when a line is asked for and kept only until memory is wanted for something else.
 */
export class ManifestDocument {
  readonly file: string;
  #place: DocumentText;
  #tree: WeakRef<YamlDocument> | null = null;

  constructor(file: string, place: DocumentText) {
    this.file = file;
    this.#place = place;
  }

  get text(): string {
    return this.#place.text;
  }

  get firstLine(): number {
    return this.#place.firstLine;
  }

  /** The same text, found again in a newer reading of the file: lines above it may have come or gone. */
  moveTo(place: DocumentText): void {
    this.#place = place;
  }

  parse(): Parsed<YamlDocument> {
    const kept = this.#tree?.deref();
    if (kept !== undefined) return { ok: true, value: kept };
    const parsed = parseYaml(this.#place.text);
    if (parsed.ok) this.#tree = new WeakRef(parsed.value);
    return parsed;
  }

  /** Position of a line of this document's text, from 1. */
  positionAt(line: number): SourcePosition {
    return { file: this.file, line: this.#place.firstLine + line - 1 };
  }

  /** Position of a field, or of its nearest existing parent. */
  locate(field: string): SourcePosition {
    const parsed = this.parse();
    if (!parsed.ok) return this.positionAt(1);
    return this.positionAt(parsed.value.lineAt(fieldOffset(parsed.value.tree, field)));
  }
}

/** Where an object stands: a document, or one item of a List in it. Follows the object as its file is edited. */
export class ManifestOrigin implements Origin {
  #document: ManifestDocument;
  #root: string;

  /** `root`: field path of the object in its document, `items[3]`; empty when the document is the object. */
  constructor(document: ManifestDocument, root: string) {
    this.#document = document;
    this.#root = root;
  }

  get position(): SourcePosition {
    return this.#document.locate(this.#root);
  }

  locate(field: string): SourcePosition {
    return this.#document.locate(this.#root === '' || field === '' ? this.#root + field : `${this.#root}.${field}`);
  }

  /** The object was found unchanged at another place. */
  follow(other: ManifestOrigin): void {
    this.#document = other.#document;
    this.#root = other.#root;
  }
}
