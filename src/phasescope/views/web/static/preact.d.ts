// what of vendor/preact.js is used here, which has no types
export class Component {
  constructor(properties?: any);
  props: any;
  state: any;
  setState(state: any): void;
}
export function h(tag: any, properties: any, ...children: any[]): any;
export function render(element: any, root: Element): void;
