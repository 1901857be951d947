// Beside "Open in the browser": is there a saved copy, is it of an earlier release, and can a notebook run here at all?
"use strict";
const ROOM = 50e6;      // bytes: Python as the browser keeps it, and a notebook
(async () => {
  const box = document.querySelector(".saved");
  if (!box) return;
  const say = (text, ...more) => {
    const line = document.createElement("p");
    line.append(text, ...more);
    box.append(line);
    box.hidden = false;
  };
  const allowed = async ask => {      // a browser may lack a thing, or have it and refuse it when it is asked
    try {
      return (await ask()) ?? true;
    } catch {
      return false;
    }
  };
  if (!window.isSecureContext || !await allowed(() => navigator.serviceWorker.getRegistration())) {
    say("This browser blocks what a notebook needs to run here (service workers; a private window or an address without https may be " +
        "why): it would wait without end. Take the zip, or open the page in another browser.");
    return;
  }
  const {storage, notebook, release} = box.dataset;
  const known = await allowed(() => indexedDB.databases ? indexedDB.databases() : []);
  if (!known) {
    say("This browser keeps nothing for this site (its settings forbid it): what you write is gone when you close the notebook. " +
        "Download it before, or take the zip.");
    return;
  }
  const {quota, usage} = await allowed(() => navigator.storage.estimate());
  if (quota - usage < ROOM) {
    say("This browser has hardly any room left for this site: saving may fail. Download your notebook often, clear some room, or take the zip.");
  }
  if (!known.some(one => one.name === storage)) return;
  const done = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const inStore = async (name, mode, work) => {
    const database = await done(indexedDB.open(storage));
    try {
      return database.objectStoreNames.contains(name) ? await done(work(database.transaction(name, mode).objectStore(name))) : undefined;
    } finally {
      database.close();
    }
  };
  const copy = await inStore("files", "readonly", files => files.get(notebook));
  if (!copy) return;
  const button = (text, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", action);
    return made;
  };
  const download = () => {
    const link = document.createElement("a");
    const text = typeof copy.content === "string" ? copy.content : JSON.stringify(copy.content, null, 1);
    link.href = URL.createObjectURL(new Blob([text], {type: "application/x-ipynb+json"}));
    link.download = notebook;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const again = async () => {
    if (!confirm("Your saved copy is downloaded first, then this browser forgets it, and the notebook opens as it is released now.")) return;
    download();
    for (const name of ["files", "checkpoints"]) await inStore(name, "readwrite", files => files.delete(notebook));
    location.reload();
  };
  const content = typeof copy.content === "string" ? JSON.parse(copy.content) : copy.content;
  const earlier = content?.metadata?.release !== release;
  if (earlier) {
    say("This notebook was corrected after you began. Your saved copy stays as it is and is graded all the same. To get the corrected " +
        "one, start again and copy your answers over from the file that is downloaded.");
  }
  say("Your saved copy is in this browser. ", button("Download my copy", download), " ", button("Start again", again));
})();
