using Mono.Cecil;

namespace BitTreeAlloc.Tests.Architecture.Layers;

/// <summary>Everything that a method or type of an assembly names.</summary>
internal static class References
{
    /// <summary>Every use of a type: (the member that uses it, the used type).</summary>
    public static IEnumerable<(string Where, TypeDefinition User, TypeReference Used)> Of(ModuleDefinition module) =>
        from type in module.GetTypes()
        from use in Of(type)
        from single in Flat(use.Used)
        select (use.Where, type, single);

    /// <summary>The namespace of the outermost type, which is where a nested type lives.</summary>
    public static string Namespace(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type.Namespace;
    }

    private static IEnumerable<(string Where, TypeReference? Used)> Of(TypeDefinition type)
    {
        yield return (type.FullName, type.BaseType);
        foreach (var one in type.Interfaces)
            yield return (type.FullName, one.InterfaceType);
        foreach (var used in Constraints(type).Concat(Attributes(type)))
            yield return (type.FullName, used);
        foreach (var field in type.Fields)
        {
            yield return (field.FullName, field.FieldType);
            foreach (var used in Attributes(field))
                yield return (field.FullName, used);
        }

        foreach (var method in type.Methods)
            foreach (var used in Of(method))
                yield return (method.FullName, used);
    }

    private static IEnumerable<TypeReference?> Of(MethodDefinition method)
    {
        foreach (var used in Signature(method).Concat(Constraints(method)).Concat(Attributes(method)))
            yield return used;
        if (!method.HasBody)
            yield break;
        foreach (var variable in method.Body.Variables)
            yield return variable.VariableType;
        foreach (var handler in method.Body.ExceptionHandlers)
            yield return handler.CatchType;
        foreach (var instruction in method.Body.Instructions)
            foreach (var used in Operand(instruction.Operand))
                yield return used;
    }

    private static IEnumerable<TypeReference?> Operand(object? operand) => operand switch
    {
        TypeReference type => [type],
        FieldReference field => [field.DeclaringType, field.FieldType],
        MethodReference method => [method.DeclaringType, .. Signature(method), .. (method as GenericInstanceMethod)?.GenericArguments ?? []],
        CallSite site => [site.ReturnType, .. site.Parameters.Select(parameter => parameter.ParameterType)],
        _ => [],
    };

    private static IEnumerable<TypeReference> Signature(IMethodSignature method) => [method.ReturnType, .. method.Parameters.Select(parameter => parameter.ParameterType)];

    private static IEnumerable<TypeReference> Constraints(IGenericParameterProvider provider) =>
        from parameter in provider.GenericParameters
        from constraint in parameter.Constraints
        select constraint.ConstraintType;

    private static IEnumerable<TypeReference> Attributes(ICustomAttributeProvider provider) =>
        from attribute in provider.CustomAttributes
        from used in attribute.ConstructorArguments.Select(argument => argument.Value as TypeReference ?? argument.Type).Append(attribute.AttributeType)
        select used;

    private static IEnumerable<TypeReference> Flat(TypeReference? type)
    {
        switch (type)
        {
            case null or GenericParameter:
                return [];
            case GenericInstanceType generic:
                return [generic.ElementType, .. generic.GenericArguments.SelectMany(Flat)];
            case FunctionPointerType pointer:
                return Signature(pointer).SelectMany(Flat);
            case IModifierType modified:
                return Flat(modified.ModifierType).Concat(Flat(modified.ElementType));
            case TypeSpecification wrapped:
                return Flat(wrapped.ElementType);
            default:
                return [type];
        }
    }
}
