// Addresses of the views, and the icons of what lies in a folder.

const parts = (path) => path.split("/").map(encodeURIComponent).join("/");

export const folderAt = (path) => `#/files/${parts(path)}`;
export const fileAt = (path) => `#/file/${isAddress(path) ? encodeURIComponent(path) : parts(path)}`;
export const jobAt = (id) => `#/job/${encodeURIComponent(id)}`;
export const batchAt = (path) => `#/batch/${parts(path)}`;

/** Whether this names a stream rather than a file. */
export const isAddress = (path) => /^[a-z][a-z0-9+.-]*:\/\//i.test(path);

export const nameIn = (path) => (isAddress(path) ? path : path.split("/").pop());
export const folderOf = (path) => path.split("/").slice(0, -1).join("/");
export const suffixOf = (path) => /\.[A-Za-z0-9]+$/.exec(nameIn(path))?.[0].toLowerCase() ?? "";

export const ICONS = {
  folder: "M3 5h7l2 2h9v12H3z",
  video: "M3 5h18v14H3zm7 3v8l6-4z",
  image: "M3 5h18v14H3zm2 12h14l-5-7-4 5-2-2z",
  page: "M5 3h9l5 5v13H5zm8 1.500V9h5z",
  other: "M5 3h14v18H5zm3 5h8v1.500H8zm0 4h8v1.500H8z",
};
