%% SPDX-License-Identifier: Apache-2.0
%% ets from many processes at once, persistent terms, atomics, garbage collection of large heaps.
-module(tables).
-export([main/0]).

main() ->
    [counters(Type, Options) || Type <- [set, ordered_set], Options <- [[], [{write_concurrency, true}, {read_concurrency, true}]]],
    T = ets:new(t, [ordered_set]),
    ets:insert(T, [{N, N rem 7, integer_to_list(N)} || N <- lists:seq(1, 20000)]),
    io:format("select: ~p~n", [length(ets:select(T, [{{'$1', 3, '_'}, [{'>', '$1', 10000}], ['$1']}]))]),
    io:format("deleted: ~p left ~p~n", [ets:select_delete(T, [{{'_', 5, '_'}, [], [true]}]), ets:info(T, size)]),
    io:format("fold: ~p~n", [ets:foldl(fun({N, _, _}, Sum) -> N + Sum end, 0, T)]),
    ok = ets:tab2file(T, "/data/table"),
    ets:delete(T),
    {ok, Back} = ets:file2tab("/data/table"),
    io:format("from a file: ~p~n", [erlang:phash2(ets:tab2list(Back))]),
    Counter = atomics:new(1, []),
    parallel([fun() -> [atomics:add(Counter, 1, 1) || _ <- lists:seq(1, 10000)] end || _ <- lists:seq(1, 10)]),
    io:format("atomics: ~p~n", [atomics:get(Counter, 1)]),
    [persistent_term:put({term, N}, lists:seq(1, N)) || N <- lists:seq(1, 200)],
    io:format("persistent: ~p~n", [lists:sum([length(persistent_term:get({term, N})) || N <- lists:seq(1, 200)])]),
    io:format("heaps: ~p~n", [erlang:phash2(parallel([fun() -> heap(N) end || N <- lists:seq(1, 20)]))]),
    Large = binary:copy(<<1, 2, 3, 4>>, 25000000),
    io:format("100 MB: ~p~n", [erlang:crc32(Large)]).

counters(Type, Options) ->
    T = ets:new(counters, [Type, public | Options]),
    parallel([fun() -> [ets:update_counter(T, N rem 100, 1, {N rem 100, 0}) || N <- lists:seq(1, 5000)] end || _ <- lists:seq(1, 20)]),
    io:format("~p ~p: ~p keys, sum ~p~n", [Type, Options, ets:info(T, size), lists:sum([V || {_, V} <- ets:tab2list(T)])]),
    ets:delete(T).

heap(N) ->
    Map = lists:foldl(fun(I, M) -> M#{I => [I | lists:seq(1, 20)]} end, #{}, lists:seq(1, 3000 + N)),
    erlang:garbage_collect(),
    maps:fold(fun(K, V, Sum) -> K + lists:sum(V) + Sum end, 0, Map).

parallel(Funs) ->
    Main = self(),
    [receive {Pid, Result} -> Result end || Pid <- [spawn_link(fun() -> Main ! {self(), Fun()} end) || Fun <- Funs]].
