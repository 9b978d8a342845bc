// The live connection: what it brings is placed, what it says about itself is shown.
export function startLink() {}
export function watchPage() {}
