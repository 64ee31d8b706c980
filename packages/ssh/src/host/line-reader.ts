import { StringDecoder } from "node:string_decoder";

/** Cuts a byte stream into lines: whole UTF-8 characters, without the line end (`\n` or `\r\n`). */
export function lineReader(onLine: (line: string) => void): { write(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const give = (line: string) => onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  return {
    write(chunk) {
      const lines = decoder.write(chunk).split("\n");
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? "";
      for (const line of lines) give(line);
    },
    end() {
      rest += decoder.end();
      if (rest !== "") give(rest);
      rest = "";
    },
  };
}
