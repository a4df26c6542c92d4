/** Something that is started after others. */
interface Ordered {
  readonly name: string
  readonly dependsOn: readonly string[]
}

/**
 * Names in starting order: dependencies before their dependants, otherwise as written. Stopping goes the other way.
 * The configuration check refuses cycles; should one come through, its members keep the order they are written in.
 */
export function startingOrder(services: readonly Ordered[]): string[] {
  const byName = new Map(services.map(service => [service.name, service]))
  const order: string[] = []
  const seen = new Set<string>()
  const visit = (service: Ordered): void => {
    if (seen.has(service.name)) return
    seen.add(service.name)
    for (const name of service.dependsOn) {
      const dependency = byName.get(name)
      if (dependency !== undefined) visit(dependency)
    }
    order.push(service.name)
  }
  for (const service of services) visit(service)
  return order
}
