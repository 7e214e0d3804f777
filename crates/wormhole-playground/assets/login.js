// @ts-check
// The forms work without this; it only keeps a second click from posting twice.
const form = document.querySelector('form');
const button = /** @type {HTMLButtonElement | null} */ (form?.querySelector('button[type="submit"]') ?? null);

form?.addEventListener('submit', () => {
  // After the form's data were taken, or a disabled button could stop the post itself.
  setTimeout(() => button && (button.disabled = true), 0);
});

// The back button may bring the page back as it was left.
addEventListener('pageshow', () => button && (button.disabled = false));
