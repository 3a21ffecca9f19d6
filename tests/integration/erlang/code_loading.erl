%% SPDX-License-Identifier: Apache-2.0
%% Code made, compiled and loaded while the system runs: new versions under running processes, purging, 200 modules, breakpoints of tracing.
-module(code_loading).
-export([main/0, traced/1]).

main() ->
    logger:set_primary_config(level, none),
    io:format("jit: ~p~n", [erlang:system_info(emu_flavor)]),
    io:format("first: ~p~n", [load(changing, 1)]),
    Old = spawn(changing, loop, []),
    io:format("runs ~p~n", [ask(Old)]),
    io:format("second: ~p~n", [load(changing, 2)]),
    New = spawn(changing, loop, []),
    io:format("old ~p, new ~p~n", [ask(Old), ask(New)]),
    io:format("soft purge: ~p~n", [code:soft_purge(changing)]),
    Monitor = monitor(process, Old),
    io:format("purge: ~p~n", [code:purge(changing)]),
    receive {'DOWN', Monitor, process, Old, Reason} -> io:format("the old one: ~p~n", [Reason]) end,
    New ! stop,
    Modules = [{list_to_atom("many_" ++ integer_to_list(N)), N} || N <- lists:seq(1, 200)],
    [load(Module, N) || {Module, N} <- Modules],
    io:format("200 modules: ~p~n", [lists:sum([Module:version() || {Module, _} <- Modules])]),
    [begin code:delete(Module), code:purge(Module) end || {Module, _} <- Modules],
    io:format("gone: ~p~n", [catch many_7:version()]),
    [load(changing, N) || N <- lists:seq(3, 100), is_boolean(code:purge(changing))],
    io:format("the 100th: ~p~n", [changing:version()]),
    io:format("while it is called: ~p~n", [called_while_loaded()]),
    trace(), errors().

load(Module, Version) ->
    {ok, Module, Code} = compile:forms([
        {attribute, 1, module, Module}, {attribute, 1, export, [{version, 0}, {loop, 0}]},
        {function, 1, version, 0, [{clause, 1, [], [], [{integer, 1, Version}]}]},
        {function, 1, loop, 0, [{clause, 1, [], [], [{'receive', 1, [
            {clause, 1, [{tuple, 1, [{atom, 1, version}, {var, 1, 'From'}]}], [],
             [{op, 1, '!', {var, 1, 'From'}, {call, 1, {atom, 1, version}, []}}, {call, 1, {atom, 1, loop}, []}]},
            {clause, 1, [{atom, 1, stop}], [], [{atom, 1, ok}]}]}]}]}]),
    {module, Module} = code:load_binary(Module, "none", Code),
    Module:version().

ask(Pid) ->
    Pid ! {version, self()},
    receive Version when is_integer(Version) -> Version end.

%% Processes on all schedulers call a function whose module is replaced 10 times.
called_while_loaded() ->
    Main = self(),
    Pids = [spawn_link(fun() -> Main ! {self(), caller(changing:version())} end) || _ <- lists:seq(1, 8)],
    [begin code:soft_purge(changing), load(changing, N) end || N <- lists:seq(101, 110)],
    [Pid ! stop || Pid <- Pids],
    lists:usort([receive {Pid, Last} -> Last end || Pid <- Pids]).

caller(Last) ->
    receive stop -> changing:version()
    after 0 -> case changing:version() of Version when Version >= Last -> caller(Version) end
    end.

traced(N) -> N * 2.

trace() ->
    erlang:trace(self(), true, [call]),
    Tracer = self(),
    Breakpoints = erlang:trace_pattern({?MODULE, traced, 1}, [{'_', [], [{return_trace}]}], [local]),
    erlang:trace(self(), false, [call]),
    Pid = spawn(fun() -> receive go -> Tracer ! {sum, lists:sum([?MODULE:traced(N) || N <- lists:seq(1, 100)])} end end),
    erlang:trace(Pid, true, [call, {tracer, Tracer}]),
    Pid ! go,
    Events = [receive E when element(1, E) =:= trace -> element(3, E) end || _ <- lists:seq(1, 200)],
    receive {sum, Sum} -> io:format("traced ~p: ~p calls, ~p returns, sum ~p~n",
        [Breakpoints, length([c || call <- Events]), length([r || return_from <- Events]), Sum]) end,
    erlang:trace_pattern({?MODULE, traced, 1}, false, [local]).

errors() ->
    io:format("~p~n", [[code:load_binary(broken, "none", <<"no beam">>), code:load_file(nowhere), catch nowhere:f()]]).
